<?php
/* phpredis: what PHP programs do with it. */
$port = (int)getenv('CAIRN_PORT');
$failed = 0;

function connect() {
    global $port;
    $r = new Redis();
    $r->connect('127.0.0.1', $port, 60);
    return $r;
}

function expect($what, $expected) {
    if ($what != $expected || gettype($what) !== gettype($expected))
        throw new Exception('expected ' . json_encode($expected) . ', got ' . json_encode($what));
}

function test($name, $run) {
    global $failed;
    try {
        $run(connect());
        echo "ok $name\n";
    } catch (Throwable $error) {
        $failed = 1;
        echo "not ok $name: line ", $error->getTrace()[0]['line'] ?? $error->getLine(), ': ', str_replace("\n", ' ', $error->getMessage()), "\n";
    }
}

test('strings', function ($r) {
    expect($r->ping(), true);
    expect($r->set('k', 'v', ['nx', 'ex' => 1000]), true);
    expect($r->set('k', 'w', ['nx']), false);
    expect($r->ttl('k') > 900, true);
    expect($r->get('k'), 'v');
    expect($r->get('nosuch'), false);
    expect($r->incrBy('n', 5), 5);
    expect($r->incrByFloat('f', 0.5), 0.5);
    expect($r->mset(['a' => '1', 'b' => '2']), true);
    expect($r->mget(['a', 'x', 'b']), ['1', false, '2']);
    $bytes = implode(array_map('chr', range(0, 255)));
    $r->set($bytes, $bytes);
    expect($r->get($bytes), $bytes);
    expect($r->del('a', 'b', 'x'), 2);
    expect($r->append('k', 'yz'), 3);
    expect($r->getSet('k', 'new'), 'vyz');
});
test('serializers and prefixes', function ($r) {
    $r->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
    $r->setOption(Redis::OPT_PREFIX, 'app:');
    $value = ['list' => [1, 2.5, null, true], 'o' => new ArrayObject([1])];
    $r->set('object', $value);
    expect($r->get('object'), $value);
    expect(connect()->exists('app:object'), 1);
    $r->hSet('h', 'f', [1, 2]);
    expect($r->hGetAll('h'), ['f' => [1, 2]]);
    $r->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_JSON);
    $r->set('json', ['a' => 1]);
    expect($r->get('json'), ['a' => 1]);
});
test('collections', function ($r) {
    expect($r->hMSet('hash', ['f' => '1', 'g' => 'x']), true);
    expect($r->hGetAll('hash'), ['f' => '1', 'g' => 'x']);
    expect($r->rPush('list', 'a', 'b', 'c'), 3);
    expect($r->lRange('list', 0, -1), ['a', 'b', 'c']);
    expect($r->lPop('list'), 'a');
    expect($r->sAdd('s', 'a', 'b'), 2);
    expect($r->sIsMember('s', 'a'), true);
    expect($r->zAdd('z', 1, 'a', 2.5, 'b'), 2);
    expect($r->zRange('z', 0, -1, true), ['a' => 1.0, 'b' => 2.5]);
    expect($r->zRevRangeByScore('z', '+inf', '2', ['withscores' => true]), ['b' => 2.5]);
    expect($r->zRank('z', 'b'), 1);
    expect($r->geoAdd('geo', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania'), 2);
    expect(round($r->geoDist('geo', 'Palermo', 'Catania', 'km')), 166.0);
    expect($r->sort('list', ['alpha' => true, 'sort' => 'desc']), ['c', 'b']);
});
test('transactions and pipelines', function ($r) {
    expect($r->multi()->set('t', '1')->incr('t')->get('t')->exec(), [true, 2, '2']);
    $pipe = $r->multi(Redis::PIPELINE);
    for ($i = 0; $i < 5000; $i++) $pipe->incr('piped');
    expect(array_sum($pipe->exec()), 12502500);
    $r->watch('t');
    connect()->set('t', 'other');
    expect($r->multi()->set('t', 'mine')->exec(), false);
    expect($r->get('t'), 'other');
});
test('iterators', function ($r) {
    $pipe = $r->multi(Redis::PIPELINE);
    for ($i = 0; $i < 2000; $i++) $pipe->set("scan:$i", $i)->hSet('scanned', "f$i", $i);
    $pipe->exec();
    $r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $found = [];
    $at = null;
    while ($keys = $r->scan($at, 'scan:*', 100)) foreach ($keys as $key) $found[$key] = 1;
    expect(count($found), 2000);
    $found = [];
    $at = null;
    while ($fields = $r->hScan('scanned', $at, '*', 100)) $found += $fields;
    expect(count($found), 2000);
});
test('blocking', function ($r) {
    $r->rPush('queue', 'job');
    expect($r->blPop(['none', 'queue'], 60), ['queue', 'job']);
    expect($r->brPop(['none'], 1), []);
});
test('streams', function ($r) {
    for ($i = 0; $i < 10; $i++) $r->xAdd('st', '*', ['n' => "$i"]);
    expect($r->xLen('st'), 10);
    expect($r->xGroup('CREATE', 'st', 'g', '0'), true);
    $read = $r->xReadGroup('g', 'c', ['st' => '>'], 5);
    expect(count($read['st']), 5);
    expect($r->xAck('st', 'g', array_keys($read['st'])), 5);
    expect($r->xPending('st', 'g')[0], 0);
    expect(count($r->xRange('st', '-', '+')), 10);
});
test('publish and subscribe', function ($r) {
    $child = proc_open([PHP_BINARY, '-r', 'usleep(1000); $r = new Redis(); $r->connect("127.0.0.1", ' . getenv('CAIRN_PORT') . ');
        for ($n = 0; $n < 6000 && $r->publish("news", "hello") == 0; $n++) usleep(10000);'], [], $pipes);
    $got = null;
    try {
        $r->subscribe(['news'], function ($r, $channel, $message) use (&$got) {
            $got = [$channel, $message];
            $r->close();
        });
    } catch (RedisException $error) { /* the callback has closed the connection */
    }
    proc_close($child);
    expect($got, ['news', 'hello']);
});
test('errors', function ($r) {
    $r->set('text', 'x');
    expect($r->incr('text'), false);
    expect(str_contains($r->getLastError(), 'not an integer'), true);
    expect($r->lPush('text', 'x'), false);
    expect(str_starts_with($r->getLastError(), 'WRONGTYPE'), true);
    expect($r->rawCommand('nosuch'), false);
});
test('a unix socket and persistent connections', function ($r) {
    $local = new Redis();
    expect($local->connect(getenv('CAIRN_SOCKET')), true);
    $local->set('local', '1');
    $kept = new Redis();
    expect($kept->pconnect('127.0.0.1', (int)getenv('CAIRN_PORT'), 60, 'kept'), true);
    expect($kept->get('local'), '1');
    expect(connect()->select(3), true);
    expect(is_array(connect()->info('server')), true);
    expect(connect()->config('GET', 'maxmemory'), ['maxmemory' => '0']);
});
test('users', function ($r) {
    expect($r->acl('SETUSER', 'carol', 'on', '>secret', '~*', '+get', '+select'), true);
    $own = connect();
    expect($own->auth(['carol', 'secret']), true);
    $own->get('local');
    try {
        $own->set('local', '2');
        throw new Exception('it was allowed');
    } catch (RedisException $error) {
        expect(str_starts_with($error->getMessage(), 'NOPERM'), true);
    }
});
test('sessions', function ($r) {
    $path = 'tcp://127.0.0.1:' . getenv('CAIRN_PORT') . '?prefix=session:';
    $script = 'ini_set("session.save_handler", "redis"); ini_set("session.save_path", $argv[1]); ini_set("session.use_cookies", 0);
        session_id("abcdef"); session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"];';
    $run = fn() => trim(shell_exec(PHP_BINARY . ' -r ' . escapeshellarg($script) . ' ' . escapeshellarg($path) . ' 2>&1'));
    expect([$run(), $run(), $run()], ['1', '2', '3']);
    expect($r->ttl('session:abcdef') > 0, true);
});
if (getenv('CAIRN_TLS_PORT')) {
    test('tls', function ($r) {
        $own = new Redis();
        expect($own->connect('tls://127.0.0.1', (int)getenv('CAIRN_TLS_PORT'), 60, null, 0, 0, ['stream' => ['cafile' => getenv('CAIRN_TLS_CA')]]), true);
        $own->set('tls', str_repeat('x', 1000000));
        expect(strlen($own->get('tls')), 1000000);
    });
} else {
    echo "skip tls: the server has none\n";
}
exit($failed);
