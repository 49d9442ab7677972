# Redis.pm: what Perl programs do with it.
use strict;
use warnings;
use Redis;
use Redis::Hash;
use Redis::List;
use Time::HiRes;

my $port = $ENV{CAIRN_PORT};
my $failed = 0;

sub connect_to { return Redis->new(server => "127.0.0.1:$port", reconnect => 60, every => 50_000, @_) }

sub text {
    my $value = shift;
    return 'undef' unless defined $value;
    return ref $value eq 'ARRAY' ? '[' . join(', ', map { text($_) } @$value) . ']' : "$value";
}

sub expect {
    my ($got, $expected) = map { text($_) } @_;
    die "expected $expected, got $got" unless $got eq $expected;
}

sub test {
    my ($name, $run) = @_;
    if (eval { $run->(connect_to()); 1 }) { print "ok $name\n" }
    else { $failed = 1; my $why = $@; $why =~ s/\s+/ /g; print "not ok $name: $why\n" }
}

$| = 1;
test strings => sub {
    my $r = shift;
    expect($r->ping, 'PONG');
    expect($r->set('k', 'v', 'EX', 1000), 'OK');
    expect($r->get('k'), 'v');
    expect($r->get('nosuch'), undef);
    expect($r->mset(a => 1, b => 2), 'OK');
    expect([$r->mget(qw(a x b))], ['1', undef, '2']);
    expect($r->incrby('n', 5), 5);
    my $bytes = join '', map { chr } 0 .. 255;
    $r->set($bytes, $bytes);
    expect(length $r->get($bytes), 256);
    die 'ttl' unless $r->ttl('k') > 900;
};
test collections => sub {
    my $r = shift;
    expect($r->hmset('h', f => 1, g => 'x'), 'OK');
    my %hash = $r->hgetall('h');
    expect([map { "$_=$hash{$_}" } sort keys %hash], ['f=1', 'g=x']);
    expect($r->rpush('l', qw(a b c)), 3);
    expect([$r->lrange('l', 0, -1)], [qw(a b c)]);
    expect($r->sadd('s', qw(a b c)), 3);
    expect([sort $r->smembers('s')], [qw(a b c)]);
    expect($r->zadd('z', 1, 'a', 2, 'b'), 2);
    expect([$r->zrange('z', 0, -1, 'WITHSCORES')], ['a', 1, 'b', 2]);
    expect([$r->sort('s', 'ALPHA', 'DESC', 'LIMIT', 0, 2)], [qw(c b)]);
};
test 'pipelines with callbacks' => sub {
    my $r = shift;
    my (@got, @errors);
    $r->set('text', 'x');
    $r->incr('piped', sub { my ($reply, $error) = @_; push @got, $reply }) for 1 .. 5000;
    $r->incr('text', sub { my ($reply, $error) = @_; push @errors, $error });
    $r->wait_all_responses;
    expect(scalar @got, 5000);
    expect($got[-1], 5000);
    die "no error: @errors" unless @errors == 1 && $errors[0] =~ /not an integer/;
};
test transactions => sub {
    my $r = shift;
    $r->multi;
    expect($r->set('t', 1), 'QUEUED');
    $r->incr('t');
    $r->lrange('l', 0, 1);
    expect([$r->exec], ['OK', 2, ['a', 'b']]);
    $r->watch('t');
    connect_to()->set('t', 'other');
    $r->multi;
    $r->set('t', 'mine');
    expect(scalar $r->exec, undef);
    expect($r->get('t'), 'other');
};
test iterators => sub {
    my $r = shift;
    $r->set("scan:$_", $_, sub { }) for 1 .. 2000;
    $r->wait_all_responses;
    my ($at, %found) = (0);
    do {
        ($at, my $keys) = $r->scan($at, MATCH => 'scan:*', COUNT => 100);
        $found{$_} = 1 for @$keys;
    } while $at;
    expect(scalar keys %found, 2000);
    expect(scalar($r->keys('scan:*')), 2000);
};
test 'tied variables' => sub {
    tie my %hash, 'Redis::Hash', 'tied:', server => "127.0.0.1:$port";
    $hash{one} = 1;
    $hash{two} = 2;
    expect([sort keys %hash], [qw(one two)]);
    expect($hash{two}, 2);
    delete $hash{one};
    expect(exists $hash{one} ? 1 : 0, 0);
    tie my @list, 'Redis::List', 'tied-list', server => "127.0.0.1:$port";
    push @list, qw(a b c);
    expect([@list], [qw(a b c)]);
    expect(pop @list, 'c');
};
test 'blocking commands' => sub {
    my $r = shift;
    my $pid = fork;
    if (!$pid) {
        my $own = connect_to();
        Time::HiRes::sleep(0.01) until ($own->info->{blocked_clients} || 0) > 0;
        $own->rpush('queue', 'job');
        require POSIX;
        POSIX::_exit(0);
    }
    expect([$r->blpop('none', 'queue', 60)], [qw(queue job)]);
    waitpid $pid, 0;
};
test subscriptions => sub {
    my $r = shift;
    my @got;
    $r->subscribe('news', sub { my ($message, $topic) = @_; push @got, "$topic: $message" });
    my $other = connect_to();
    expect($other->publish('news', "message $_"), 1) for 1 .. 10;
    my $end = time + 60;
    $r->wait_for_messages(1) while @got < 10 && time < $end;
    expect($got[9], 'news: message 10');
};
test errors => sub {
    my $r = shift;
    eval { $r->lpush('k', 'x') };
    die "no error: $@" unless $@ =~ /WRONGTYPE/;
    eval { $r->nosuch };
    die "no error: $@" unless $@ =~ /unknown command/;
};
test connections => sub {
    my $r = shift;
    my $local = Redis->new(sock => $ENV{CAIRN_SOCKET});
    expect($local->get('k'), 'v');
    my $own = connect_to(name => 'named');
    expect($own->client_getname, 'named');
    $r->client_kill('ID', $own->client('ID'));
    expect($own->get('k'), 'v'); # it connects again
    expect($own->select(3), 'OK');
    die 'version' unless $r->info->{redis_version} =~ /^7\./;
    $r->acl('SETUSER', 'erin', 'on', '>secret', '~k', '+get');
    expect(Redis->new(server => "127.0.0.1:$port", username => 'erin', password => 'secret')->get('k'), 'v');
};
exit $failed;
