/* sorted_set_test.c: the sorted set commands, their options, errors and replies, on small and on large sets. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void adding_and_scores(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a", ":1"},
        {"ZADD z 2 a 3 b", ":1"},
        {"ZADD z CH 5 a 3 b 1 c", ":2"},
        {"ZSCORE z a", "'5'", ",5"},
        {"ZSCORE z none", "nil"},
        {"ZSCORE none a", "nil"},
        {"ZMSCORE z a none b", "['5', nil, '3']", "[,5, nil, ,3]"},
        {"ZMSCORE none a b", "[nil, nil]"},
        {"ZCARD z", ":3"},
        {"ZCARD none", ":0"},
        {"ZADD z 1.5 d -2.25 e 1e3 f inf g -inf h +inf i", ":6"},
        {"ZRANGE z 0 -1 WITHSCORES",
         "['h', '-inf', 'e', '-2.25', 'c', '1', 'd', '1.5', 'b', '3', 'a', '5', 'f', '1000', 'g', 'inf', "
         "'i', 'inf']",
         "[['h', ,-inf], ['e', ,-2.25], ['c', ,1], ['d', ,1.5], ['b', ,3], ['a', ,5], ['f', ,1000], ['g', "
         ",inf], ['i', ,inf]]"},
        {"ZADD z 0.1 p 3.141592653589793 q 1e-7 r 1e21 s 123456789012 t", ":5"},
        {"ZMSCORE z p q r s t", "['0.1', '3.141592653589793', '1e-7', '1e+21', '123456789012']",
         "[,0.1, ,3.141592653589793, ,1e-7, ,1e+21, ,123456789012]", CAIRN_ONLY},
        {"ZADD z 0x10 hex", ":1"},
        {"ZSCORE z hex", "'16'", ",16"},
        {"ZADD z", "-ERR wrong number of arguments for 'zadd' command"},
        {"ZADD z 1", "-ERR wrong number of arguments for 'zadd' command"},
        {"ZADD z 1 a 2", "-ERR syntax error"},
        {"ZADD z one a", "-ERR value is not a valid float"},
        {"ZADD z 1 a two b", "-ERR value is not a valid float"},
        {"ZADD z nan a", "-ERR value is not a valid float"},
        {"ZADD z 1 a nan b", "-ERR value is not a valid float"},
        {"ZADD z 1_ a", "-ERR value is not a valid float"},
        {"ZSCORE z", "-ERR wrong number of arguments for 'zscore' command"},
        {"ZMSCORE z", "-ERR wrong number of arguments for 'zmscore' command"},
        {"ZCARD", "-ERR wrong number of arguments for 'zcard' command"},
        {"TYPE z", "+zset"},
    };

    SCRIPT(*state, steps);
}

static void adding_on_conditions(void **state)
{
    static const struct step steps[] = {
        {"ZADD z NX 1 a 2 b", ":2"},
        {"ZADD z NX 5 a 3 c", ":1"},
        {"ZSCORE z a", "'1'", ",1"},
        {"ZADD z XX 7 a 7 new", ":0"},
        {"ZSCORE z a", "'7'", ",7"},
        {"ZSCORE z new", "nil"},
        {"ZADD z XX CH 8 a 7 new", ":1"},
        {"ZADD z GT 5 a", ":0"},
        {"ZADD z GT CH 9 a 1 b", ":1"},
        {"ZSCORE z a", "'9'", ",9"},
        {"ZADD z LT CH 3 a 5 b", ":1"},
        {"ZADD z LT 1 fresh", ":1"},
        {"ZADD z GT XX 99 none", ":0"},
        {"ZADD z GT INCR -1 a", "nil"},
        {"ZADD z LT INCR -1 a", "'2'", ",2"},
        {"ZADD z INCR 2.5 a", "'4.5'", ",4.5"},
        {"ZADD z NX INCR 1 a", "nil"},
        {"ZADD z NX INCR 1 first", "'1'", ",1"},
        {"ZADD z XX INCR 1 missing", "nil"},
        {"ZADD none XX 1 a", ":0"},
        {"ZADD none XX INCR 1 a", "nil"},
        {"EXISTS none", ":0"},
        {"ZADD z nx xx 1 a", "-ERR XX and NX options at the same time are not compatible"},
        {"ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
        {"ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
        {"ZADD z NX LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
        {"ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"},
        {"ZADD z XX", "-ERR wrong number of arguments for 'zadd' command"},
        {"ZADD z CH 1", "-ERR syntax error"},
        {"ZADD z FOO 1 a", "-ERR syntax error"},
        {"ZADD z inf up", ":1"},
        {"ZADD z INCR -inf up", "-ERR resulting score is not a number (NaN)"},
        {"ZSCORE z up", "'inf'", ",inf"},
    };

    SCRIPT(*state, steps);
}

static void increments(void **state)
{
    static const struct step steps[] = {
        {"ZINCRBY z 1 a", "'1'", ",1"},
        {"ZINCRBY z 2.5 a", "'3.5'", ",3.5"},
        {"ZINCRBY z -10 a", "'-6.5'", ",-6.5"},
        {"ZINCRBY z inf a", "'inf'", ",inf"},
        {"ZINCRBY z -inf a", "-ERR resulting score is not a number (NaN)"},
        {"ZINCRBY z 1e300 b", "'1e+300'", ",1e+300", CAIRN_ONLY},
        {"ZINCRBY z x a", "-ERR value is not a valid float"},
        {"ZINCRBY z 1", "-ERR wrong number of arguments for 'zincrby' command"},
        {"ZRANGE z 0 -1 WITHSCORES", "['b', '1e+300', 'a', 'inf']", "[['b', ,1e+300], ['a', ,inf]]",
         CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

static void ranges_of_small_sets(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZRANGE z 0 -1", "['a', 'b', 'c', 'd', 'e', 'f']"},
        {"ZRANGE z 0 -1 WITHSCORES", "['a', '1', 'b', '2', 'c', '3', 'd', '4', 'e', '5', 'f', '6']",
         "[['a', ,1], ['b', ,2], ['c', ,3], ['d', ,4], ['e', ,5], ['f', ,6]]"},
        {"ZRANGE z 1 2", "['b', 'c']"},
        {"ZRANGE z -2 -1", "['e', 'f']"},
        {"ZRANGE z 4 100", "['e', 'f']"},
        {"ZRANGE z 3 2", "[]"},
        {"ZRANGE z 0 -100", "[]"},
        {"ZRANGE z 0 -1 REV", "['f', 'e', 'd', 'c', 'b', 'a']"},
        {"ZRANGE z 0 1 REV WITHSCORES", "['f', '6', 'e', '5']", "[['f', ,6], ['e', ,5]]"},
        {"ZREVRANGE z 0 1", "['f', 'e']"},
        {"ZREVRANGE z 1 -2 WITHSCORES", "['e', '5', 'd', '4', 'c', '3', 'b', '2']",
         "[['e', ,5], ['d', ,4], ['c', ,3], ['b', ,2]]"},
        {"ZREVRANGE z -100 1", "['f', 'e']"},
        {"ZRANGE z 2 4 BYSCORE", "['b', 'c', 'd']"},
        {"ZRANGE z (2 (4 BYSCORE WITHSCORES", "['c', '3']", "[['c', ,3]]"},
        {"ZRANGE z 4 2 BYSCORE REV", "['d', 'c', 'b']"},
        {"ZRANGE z +inf (3 BYSCORE REV LIMIT 1 2", "['e', 'd']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 1 2", "['b', 'c']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 4 -1", "['e', 'f']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT -1 2", "[]"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 0 0", "[]"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 10 1", "[]"},
        {"ZRANGEBYSCORE z 2 4", "['b', 'c', 'd']"},
        {"ZRANGEBYSCORE z (2 4 WITHSCORES", "['c', '3', 'd', '4']", "[['c', ,3], ['d', ,4]]"},
        {"ZRANGEBYSCORE z 2 inf LIMIT 2 2", "['d', 'e']"},
        {"ZRANGEBYSCORE z 4 2", "[]"},
        {"ZREVRANGEBYSCORE z 4 2", "['d', 'c', 'b']"},
        {"ZREVRANGEBYSCORE z +inf -inf WITHSCORES LIMIT 1 2", "['e', '5', 'd', '4']",
         "[['e', ,5], ['d', ,4]]"},
        {"ZREVRANGEBYSCORE z (4 (2", "['c']"},
        {"ZCOUNT z 2 4", ":3"},
        {"ZCOUNT z (2 (4", ":1"},
        {"ZCOUNT z -inf +inf", ":6"},
        {"ZCOUNT z 4 2", ":0"},
    };

    SCRIPT(*state, steps);
}

static void ranges_of_large_sets(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"OBJECT ENCODING z", "'skiplist'"},
        {"ZRANGE z 0 -1", "['a', 'b', 'c', 'd', 'e', 'f']"},
        {"ZRANGE z 0 -1 WITHSCORES", "['a', '1', 'b', '2', 'c', '3', 'd', '4', 'e', '5', 'f', '6']",
         "[['a', ,1], ['b', ,2], ['c', ,3], ['d', ,4], ['e', ,5], ['f', ,6]]"},
        {"ZRANGE z 1 2", "['b', 'c']"},
        {"ZRANGE z -2 -1", "['e', 'f']"},
        {"ZRANGE z 4 100", "['e', 'f']"},
        {"ZRANGE z 3 2", "[]"},
        {"ZRANGE z 0 -100", "[]"},
        {"ZRANGE z 0 -1 REV", "['f', 'e', 'd', 'c', 'b', 'a']"},
        {"ZRANGE z 0 1 REV WITHSCORES", "['f', '6', 'e', '5']", "[['f', ,6], ['e', ,5]]"},
        {"ZREVRANGE z 0 1", "['f', 'e']"},
        {"ZREVRANGE z 1 -2 WITHSCORES", "['e', '5', 'd', '4', 'c', '3', 'b', '2']",
         "[['e', ,5], ['d', ,4], ['c', ,3], ['b', ,2]]"},
        {"ZREVRANGE z -100 1", "['f', 'e']"},
        {"ZRANGE z 2 4 BYSCORE", "['b', 'c', 'd']"},
        {"ZRANGE z (2 (4 BYSCORE WITHSCORES", "['c', '3']", "[['c', ,3]]"},
        {"ZRANGE z 4 2 BYSCORE REV", "['d', 'c', 'b']"},
        {"ZRANGE z +inf (3 BYSCORE REV LIMIT 1 2", "['e', 'd']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 1 2", "['b', 'c']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 4 -1", "['e', 'f']"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT -1 2", "[]"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 0 0", "[]"},
        {"ZRANGE z -inf +inf BYSCORE LIMIT 10 1", "[]"},
        {"ZRANGEBYSCORE z 2 4", "['b', 'c', 'd']"},
        {"ZRANGEBYSCORE z (2 4 WITHSCORES", "['c', '3', 'd', '4']", "[['c', ,3], ['d', ,4]]"},
        {"ZRANGEBYSCORE z 2 inf LIMIT 2 2", "['d', 'e']"},
        {"ZRANGEBYSCORE z 4 2", "[]"},
        {"ZREVRANGEBYSCORE z 4 2", "['d', 'c', 'b']"},
        {"ZREVRANGEBYSCORE z +inf -inf WITHSCORES LIMIT 1 2", "['e', '5', 'd', '4']",
         "[['e', ,5], ['d', ,4]]"},
        {"ZREVRANGEBYSCORE z (4 (2", "['c']"},
        {"ZCOUNT z 2 4", ":3"},
        {"ZCOUNT z (2 (4", ":1"},
        {"ZCOUNT z -inf +inf", ":6"},
        {"ZCOUNT z 4 2", ":0"},
    };

    SCRIPT(*state, steps);
}

static void ranges_by_bytes(void **state)
{
    static const struct step steps[] = {
        {"ZADD x 0 a 0 aa 0 b 0 bb 0 c 0 d", ":6"},
        {"ZRANGE x - + BYLEX", "['a', 'aa', 'b', 'bb', 'c', 'd']"},
        {"ZRANGE x [b [d BYLEX", "['b', 'bb', 'c', 'd']"},
        {"ZRANGE x (b (d BYLEX", "['bb', 'c']"},
        {"ZRANGE x [d [b BYLEX REV", "['d', 'c', 'bb', 'b']"},
        {"ZRANGE x + - BYLEX REV LIMIT 1 2", "['c', 'bb']"},
        {"ZRANGE x + - BYLEX", "[]"},
        {"ZRANGEBYLEX x - (c", "['a', 'aa', 'b', 'bb']"},
        {"ZRANGEBYLEX x [bb +", "['bb', 'c', 'd']"},
        {"ZRANGEBYLEX x [a [c LIMIT 1 1", "['aa']"},
        {"ZREVRANGEBYLEX x + [d", "['d']"},
        {"ZREVRANGEBYLEX x (d - LIMIT 0 2", "['c', 'bb']"},
        {"ZLEXCOUNT x - +", ":6"},
        {"ZLEXCOUNT x [b (d", ":3"},
        {"ZLEXCOUNT x (a [aa", ":1"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"DEL x", ":1"},
        {"ZADD x 0 a 0 aa 0 b 0 bb 0 c 0 d", ":6"},
        {"ZRANGE x - + BYLEX", "['a', 'aa', 'b', 'bb', 'c', 'd']"},
        {"ZRANGE x [b [d BYLEX", "['b', 'bb', 'c', 'd']"},
        {"ZRANGE x (b (d BYLEX", "['bb', 'c']"},
        {"ZRANGE x [d [b BYLEX REV", "['d', 'c', 'bb', 'b']"},
        {"ZRANGE x + - BYLEX REV LIMIT 1 2", "['c', 'bb']"},
        {"ZRANGE x + - BYLEX", "[]"},
        {"ZRANGEBYLEX x - (c", "['a', 'aa', 'b', 'bb']"},
        {"ZRANGEBYLEX x [bb +", "['bb', 'c', 'd']"},
        {"ZRANGEBYLEX x [a [c LIMIT 1 1", "['aa']"},
        {"ZREVRANGEBYLEX x + [d", "['d']"},
        {"ZREVRANGEBYLEX x (d - LIMIT 0 2", "['c', 'bb']"},
        {"ZLEXCOUNT x - +", ":6"},
        {"ZLEXCOUNT x [b (d", ":3"},
        {"ZLEXCOUNT x (a [aa", ":1"},
    };

    SCRIPT(*state, steps);
}

static void range_errors(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZRANGE z a b", "-ERR value is not an integer or out of range"},
        {"ZRANGE z 0", "-ERR wrong number of arguments for 'zrange' command"},
        {"ZRANGE z 0 -1 FOO", "-ERR syntax error"},
        {"ZRANGE z 0 -1 LIMIT 0 1",
         "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"},
        {"ZRANGE z 0 -1 LIMIT 0 -1", "['a', 'b', 'c', 'd', 'e', 'f']"},
        {"ZRANGE z 0 -1 LIMIT 0", "-ERR syntax error"},
        {"ZRANGE z 0 1 BYSCORE LIMIT a 1", "-ERR value is not an integer or out of range"},
        {"ZRANGE z 0 1 BYSCORE LIMIT 0 b", "-ERR value is not an integer or out of range"},
        {"ZRANGE z a 1 BYSCORE", "-ERR min or max is not a float"},
        {"ZRANGE z 1 ( BYSCORE", "[]"},
        {"ZRANGE z 0 1 BYLEX", "-ERR min or max not valid string range item"},
        {"ZRANGE z - + BYLEX WITHSCORES",
         "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"},
        {"ZRANGE z - +x BYLEX", "-ERR min or max not valid string range item"},
        {"ZRANGE z 0 1 BYSCORE BYLEX", "-ERR syntax error"},
        {"ZRANGE z 0 1 REV REV", "-ERR syntax error"},
        {"ZREVRANGE z 0 1 REV", "-ERR syntax error"},
        {"ZRANGEBYSCORE z 0 1 BYLEX", "-ERR syntax error"},
        {"ZRANGEBYSCORE z nan 1", "-ERR min or max is not a float"},
        {"ZRANGEBYLEX z [a [b WITHSCORES",
         "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"},
        {"ZRANGEBYLEX z a b", "-ERR min or max not valid string range item"},
        {"ZCOUNT z a b", "-ERR min or max is not a float"},
        {"ZCOUNT z 1", "-ERR wrong number of arguments for 'zcount' command"},
        {"ZLEXCOUNT z a b", "-ERR min or max not valid string range item"},
        {"ZLEXCOUNT z [a", "-ERR wrong number of arguments for 'zlexcount' command"},
        {"ZRANGE none 0 -1", "[]"},
        {"ZRANGE none a b BYSCORE", "-ERR min or max is not a float"},
        {"ZREVRANGEBYLEX none + -", "[]"},
    };

    SCRIPT(*state, steps);
}

static void ranges_are_stored(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZRANGESTORE d z 1 3", ":3"},
        {"ZRANGE d 0 -1 WITHSCORES", "['b', '2', 'c', '3', 'd', '4']", "[['b', ,2], ['c', ,3], ['d', ,4]]"},
        {"ZRANGESTORE d z 1 3 REV", ":3"},
        {"ZRANGE d 0 -1 WITHSCORES", "['c', '3', 'd', '4', 'e', '5']", "[['c', ,3], ['d', ,4], ['e', ,5]]"},
        {"ZRANGESTORE d z (2 +inf BYSCORE LIMIT 1 2", ":2"},
        {"ZRANGE d 0 -1 WITHSCORES", "['d', '4', 'e', '5']", "[['d', ,4], ['e', ,5]]"},
        {"ZRANGESTORE d z [b (d BYLEX", ":2"},
        {"ZRANGESTORE d z 5 2 BYSCORE REV", ":4"},
        {"ZRANGE d 0 -1 WITHSCORES", "['b', '2', 'c', '3', 'd', '4', 'e', '5']",
         "[['b', ,2], ['c', ,3], ['d', ,4], ['e', ,5]]"},
        {"ZRANGESTORE d z 9 10", ":0"},
        {"EXISTS d", ":0"},
        {"SET d string", "+OK"},
        {"ZRANGESTORE d z 0 0", ":1"},
        {"ZRANGE d 0 -1", "['a']"},
        {"ZRANGESTORE d none 0 -1", ":0"},
        {"EXISTS d", ":0"},
        {"ZRANGESTORE z z 2 3", ":2"},
        {"ZRANGE z 0 -1", "['c', 'd']"},
        {"ZRANGESTORE d z 0 -1 WITHSCORES", "-ERR syntax error"},
        {"ZRANGESTORE d z 0", "-ERR wrong number of arguments for 'zrangestore' command"},
        {"ZRANGESTORE d z 0 -1 LIMIT 1 1",
         "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"},
    };

    SCRIPT(*state, steps);
}

static void ranks(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZRANK z a", ":0"},
        {"ZRANK z f", ":5"},
        {"ZREVRANK z a", ":5"},
        {"ZREVRANK z f", ":0"},
        {"ZRANK z none", "nil"},
        {"ZRANK none a", "nil"},
        {"ZREVRANK none a", "nil"},
        {"ZRANK z c WITHSCORE", "[:2, '3']", "[:2, ,3]", CAIRN_ONLY},
        {"ZREVRANK z c withscore", "[:3, '3']", "[:3, ,3]", CAIRN_ONLY},
        {"ZRANK z none WITHSCORE", "nil", CAIRN_ONLY},
        {"ZREVRANK none a WITHSCORE", "nil", CAIRN_ONLY},
        {"ZRANK z c FOO", "-ERR syntax error", CAIRN_ONLY},
        {"ZRANK z c WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"},
        {"ZRANK z", "-ERR wrong number of arguments for 'zrank' command"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD z 7 g", ":1"},
        {"OBJECT ENCODING z", "'skiplist'"},
        {"ZRANK z g", ":6"},
        {"ZREVRANK z g", ":0"},
        {"ZRANK z c WITHSCORE", "[:2, '3']", "[:2, ,3]", CAIRN_ONLY},
        {"ZRANK z none", "nil"},
    };

    SCRIPT(*state, steps);
}

static void removing(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZREM z a", ":1"},
        {"ZREM z a none", ":0"},
        {"ZREM z b b c", ":2"},
        {"ZRANGE z 0 -1", "['d', 'e', 'f']"},
        {"ZREM z d e f", ":3"},
        {"EXISTS z", ":0"},
        {"ZREM none a", ":0"},
        {"ZREM z", "-ERR wrong number of arguments for 'zrem' command"},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h", ":8"},
        {"ZREMRANGEBYRANK z 0 1", ":2"},
        {"ZREMRANGEBYRANK z -1 -1", ":1"},
        {"ZREMRANGEBYRANK z 4 2", ":0"},
        {"ZREMRANGEBYRANK z 0 -100", ":0"},
        {"ZRANGE z 0 -1", "['c', 'd', 'e', 'f', 'g']"},
        {"ZREMRANGEBYSCORE z 3 (4", ":1"},
        {"ZREMRANGEBYSCORE z 100 200", ":0"},
        {"ZRANGE z 0 -1", "['d', 'e', 'f', 'g']"},
        {"ZREMRANGEBYSCORE z -inf +inf", ":4"},
        {"EXISTS z", ":0"},
        {"ZADD x 0 a 0 b 0 c 0 d", ":4"},
        {"ZREMRANGEBYLEX x [b (d", ":2"},
        {"ZRANGE x 0 -1", "['a', 'd']"},
        {"ZREMRANGEBYLEX x - +", ":2"},
        {"EXISTS x", ":0"},
        {"ZREMRANGEBYRANK z a b", "-ERR value is not an integer or out of range"},
        {"ZREMRANGEBYSCORE z a b", "-ERR min or max is not a float"},
        {"ZREMRANGEBYLEX z a b", "-ERR min or max not valid string range item"},
        {"ZREMRANGEBYRANK none 0 -1", ":0"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h", ":8"},
        {"ZREMRANGEBYRANK z 0 1", ":2"},
        {"ZREMRANGEBYSCORE z (7 9", ":1"},
        {"ZREM z d none", ":1"},
        {"ZRANGE z 0 -1 WITHSCORES", "['c', '3', 'e', '5', 'f', '6', 'g', '7']",
         "[['c', ,3], ['e', ,5], ['f', ,6], ['g', ,7]]"},
        {"OBJECT ENCODING z", "'skiplist'"},
        {"ZREMRANGEBYRANK z 0 -1", ":4"},
        {"EXISTS z", ":0"},
    };

    SCRIPT(*state, steps);
}

static void popping(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
        {"ZPOPMIN z", "['a', '1']", "['a', ,1]"},
        {"ZPOPMAX z", "['f', '6']", "['f', ,6]"},
        {"ZPOPMIN z 2", "['b', '2', 'c', '3']", "[['b', ,2], ['c', ,3]]"},
        {"ZPOPMAX z 0", "[]"},
        {"ZPOPMIN z -1", "-ERR value is out of range, must be positive"},
        {"ZPOPMIN z x", "-ERR value is out of range, must be positive"},
        {"ZPOPMIN z 1 2", "-ERR syntax error"},
        {"ZPOPMAX z 10", "['e', '5', 'd', '4']", "[['e', ,5], ['d', ,4]]"},
        {"EXISTS z", ":0"},
        {"ZPOPMIN z", "[]"},
        {"ZPOPMIN z 3", "[]"},
        {"ZADD z 1 a 2 b 3 c", ":3"},
        {"ZADD y 9 i", ":1"},
        {"ZMPOP 2 none z MIN", "['z', [['a', '1']]]", "['z', [['a', ,1]]]"},
        {"ZMPOP 2 none z MAX COUNT 1", "['z', [['c', '3']]]", "['z', [['c', ,3]]]"},
        {"ZMPOP 2 y z max count 10", "['y', [['i', '9']]]", "['y', [['i', ,9]]]"},
        {"ZMPOP 2 none y MIN", "nil"},
        {"ZMPOP 1 z MIN COUNT 5", "['z', [['b', '2']]]", "['z', [['b', ,2]]]"},
        {"ZMPOP 1 z MIN", "nil"},
        {"ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"},
        {"ZMPOP a z MIN", "-ERR numkeys should be greater than 0"},
        {"ZMPOP 1 z FOO", "-ERR syntax error"},
        {"ZMPOP 2 z MIN", "-ERR syntax error"},
        {"ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0"},
        {"ZMPOP 1 z MIN COUNT x", "-ERR count should be greater than 0"},
        {"ZMPOP 1 z MIN COUNT", "-ERR syntax error"},
        {"ZMPOP 1 z MIN COUNT 1 COUNT 2", "-ERR syntax error"},
        {"ZMPOP 1 z MIN FOO 1", "-ERR syntax error"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"},
        {"ZPOPMAX z 2", "['e', '5', 'd', '4']", "[['e', ,5], ['d', ,4]]"},
        {"ZPOPMIN z", "['a', '1']", "['a', ,1]"},
        {"ZMPOP 1 z MAX COUNT 9", "['z', [['c', '3'], ['b', '2']]]", "['z', [['c', ,3], ['b', ,2]]]"},
        {"EXISTS z", ":0"},
    };

    SCRIPT(*state, steps);
}

static void random_members(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a", ":1"},
        {"ZRANDMEMBER z", "'a'"},
        {"ZRANDMEMBER z 5", "['a']"},
        {"ZRANDMEMBER z -3", "['a', 'a', 'a']"},
        {"ZRANDMEMBER z 5 WITHSCORES", "['a', '1']", "[['a', ,1]]"},
        {"ZRANDMEMBER z -2 WITHSCORES", "['a', '1', 'a', '1']", "[['a', ,1], ['a', ,1]]"},
        {"ZRANDMEMBER z 0", "[]"},
        {"ZRANDMEMBER none", "nil"},
        {"ZRANDMEMBER none 3", "[]"},
        {"ZRANDMEMBER none -3 WITHSCORES", "[]"},
        {"ZRANDMEMBER z x", "-ERR value is not an integer or out of range"},
        {"ZRANDMEMBER z 1 FOO", "-ERR syntax error"},
        {"ZRANDMEMBER z 1 WITHSCORES FOO", "-ERR syntax error"},
        {"ZRANDMEMBER z 9223372036854775807", "['a']"},
        {"ZRANDMEMBER z -9223372036854775808",
         "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
    };

    SCRIPT(*state, steps);
}

static void scans(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a 2.5 b 3 abc", ":3"},
        {"ZSCAN z 0", "['0', ['a', '1', 'b', '2.5', 'abc', '3']]"},
        {"ZSCAN z 0 MATCH a*", "['0', ['a', '1', 'abc', '3']]"},
        {"ZSCAN z 0 COUNT 1", "['0', ['a', '1', 'b', '2.5', 'abc', '3']]"},
        {"ZSCAN none 0", "['0', []]"},
        {"ZSCAN none 0 FOO", "['0', []]"},
        {"ZSCAN z x", "-ERR invalid cursor"},
        {"ZSCAN z 0 COUNT 0", "-ERR syntax error"},
        {"ZSCAN z 0 COUNT x", "-ERR value is not an integer or out of range"},
        {"ZSCAN z 0 FOO", "-ERR syntax error"},
        {"ZSCAN z 0 MATCH", "-ERR syntax error"},
        {"ZSCAN z", "-ERR wrong number of arguments for 'zscan' command"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD z 4 d", ":1"},
        {"ZSCAN z 0 COUNT 100 MATCH d", "['0', ['d', '4']]"},
    };

    SCRIPT(*state, steps);
}

static void unions(void **state)
{
    static const struct step steps[] = {
        {"ZADD a 1 x 2 y 3 z", ":3"},
        {"ZADD b 10 y 20 z 30 w", ":3"},
        {"SADD s x w v", ":3"},
        {"ZUNION 2 a b", "['x', 'y', 'z', 'w']"},
        {"ZUNION 2 a b WITHSCORES", "['x', '1', 'y', '12', 'z', '23', 'w', '30']",
         "[['x', ,1], ['y', ,12], ['z', ,23], ['w', ,30]]"},
        {"ZUNION 2 a b AGGREGATE MAX WITHSCORES", "['x', '1', 'y', '10', 'z', '20', 'w', '30']",
         "[['x', ,1], ['y', ,10], ['z', ,20], ['w', ,30]]"},
        {"ZUNION 2 a b AGGREGATE min WITHSCORES", "['x', '1', 'y', '2', 'z', '3', 'w', '30']",
         "[['x', ,1], ['y', ,2], ['z', ,3], ['w', ,30]]"},
        {"ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES", "['x', '2', 'y', '9', 'w', '15', 'z', '16']",
         "[['x', ,2], ['y', ,9], ['w', ,15], ['z', ,16]]"},
        {"ZUNION 2 a b WEIGHTS 2 -1 AGGREGATE SUM WITHSCORES",
         "['w', '-30', 'z', '-14', 'y', '-6', 'x', '2']",
         "[['w', ,-30], ['z', ,-14], ['y', ,-6], ['x', ,2]]"},
        {"ZUNION 3 a none s WITHSCORES", "['v', '1', 'w', '1', 'x', '2', 'y', '2', 'z', '3']",
         "[['v', ,1], ['w', ,1], ['x', ,2], ['y', ,2], ['z', ,3]]"},
        {"ZUNION 1 none", "[]"},
        {"ZUNIONSTORE d 2 a b", ":4"},
        {"ZRANGE d 0 -1 WITHSCORES", "['x', '1', 'y', '12', 'z', '23', 'w', '30']",
         "[['x', ,1], ['y', ,12], ['z', ,23], ['w', ,30]]"},
        {"ZUNIONSTORE a 2 a a WEIGHTS 1 1", ":3"},
        {"ZRANGE a 0 -1 WITHSCORES", "['x', '2', 'y', '4', 'z', '6']", "[['x', ,2], ['y', ,4], ['z', ,6]]"},
        {"ZUNIONSTORE d 1 none", ":0"},
        {"EXISTS d", ":0"},
        {"ZUNIONSTORE d 1 s", ":3"},
        {"ZRANGE d 0 -1 WITHSCORES", "['v', '1', 'w', '1', 'x', '1']", "[['v', ,1], ['w', ,1], ['x', ,1]]"},
        {"ZADD i inf p", ":1"},
        {"ZADD j -inf p", ":1"},
        {"ZUNION 2 i j WITHSCORES", "['p', '0']", "[['p', ,0]]"},
        {"ZUNION 1 i WEIGHTS 0 WITHSCORES", "['p', '0']", "[['p', ,0]]"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZUNIONSTORE d 2 a b", ":4"},
        {"OBJECT ENCODING d", "'skiplist'"},
        {"ZRANGE d 0 -1 WITHSCORES", "['x', '2', 'y', '14', 'z', '26', 'w', '30']",
         "[['x', ,2], ['y', ,14], ['z', ,26], ['w', ,30]]"},
        {"ZUNION 2 d s WITHSCORES", "['v', '1', 'x', '3', 'y', '14', 'z', '26', 'w', '31']",
         "[['v', ,1], ['x', ,3], ['y', ,14], ['z', ,26], ['w', ,31]]"},
    };

    SCRIPT(*state, steps);
}

static void intersections_and_differences(void **state)
{
    static const struct step steps[] = {
        {"ZADD a 1 x 2 y 3 z", ":3"},
        {"ZADD b 10 y 20 z 30 w", ":3"},
        {"SADD s y w v", ":3"},
        {"ZINTER 2 a b", "['y', 'z']"},
        {"ZINTER 2 a b WITHSCORES", "['y', '12', 'z', '23']", "[['y', ,12], ['z', ,23]]"},
        {"ZINTER 2 a b AGGREGATE MAX WEIGHTS 100 1 WITHSCORES", "['y', '200', 'z', '300']",
         "[['y', ,200], ['z', ,300]]"},
        {"ZINTER 3 a b s WITHSCORES", "['y', '13']", "[['y', ,13]]"},
        {"ZINTER 2 a none", "[]"},
        {"ZINTERCARD 2 a b", ":2"},
        {"ZINTERCARD 2 a b LIMIT 1", ":1"},
        {"ZINTERCARD 2 a b LIMIT 0", ":2"},
        {"ZINTERCARD 1 none", ":0"},
        {"ZINTERSTORE d 2 a b", ":2"},
        {"ZRANGE d 0 -1 WITHSCORES", "['y', '12', 'z', '23']", "[['y', ,12], ['z', ,23]]"},
        {"ZINTERSTORE d 2 a none", ":0"},
        {"EXISTS d", ":0"},
        {"ZDIFF 2 a b", "['x']"},
        {"ZDIFF 2 a b WITHSCORES", "['x', '1']", "[['x', ,1]]"},
        {"ZDIFF 2 a s WITHSCORES", "['x', '1', 'z', '3']", "[['x', ,1], ['z', ,3]]"},
        {"ZDIFF 2 none a", "[]"},
        {"ZDIFF 1 a", "['x', 'y', 'z']"},
        {"ZDIFFSTORE d 2 a b", ":1"},
        {"ZRANGE d 0 -1 WITHSCORES", "['x', '1']", "[['x', ,1]]"},
        {"ZDIFFSTORE d 2 a a", ":0"},
        {"EXISTS d", ":0"},
        {"CONFIG SET zset-max-listpack-entries 3", "+OK"},
        {"ZADD a 4 p 5 q 6 r", ":3"},
        {"ZADD b 4 p 5 q", ":2"},
        {"ZINTER 2 a b WITHSCORES", "['p', '8', 'q', '10', 'y', '12', 'z', '23']",
         "[['p', ,8], ['q', ,10], ['y', ,12], ['z', ,23]]"},
        {"ZDIFF 2 a b WITHSCORES", "['x', '1', 'r', '6']", "[['x', ,1], ['r', ,6]]"},
        {"ZINTERCARD 2 a b LIMIT 3", ":3"},
    };

    SCRIPT(*state, steps);
}

static void algebra_errors(void **state)
{
    static const struct step steps[] = {
        {"ZADD a 1 x", ":1"},
        {"SET str v", "+OK"},
        {"ZUNION 0 a", "-ERR at least 1 input key is needed for 'zunion' command"},
        {"ZUNION x a", "-ERR value is not an integer or out of range"},
        {"ZUNION 2 a", "-ERR syntax error"},
        {"ZUNION 1 a FOO", "-ERR syntax error"},
        {"ZUNION 1 a WEIGHTS", "-ERR syntax error"},
        {"ZUNION 1 a WEIGHTS x", "-ERR weight value is not a float"},
        {"ZUNION 1 a WEIGHTS 1 2", "-ERR syntax error"},
        {"ZUNION 1 a AGGREGATE", "-ERR syntax error"},
        {"ZUNION 1 a AGGREGATE FOO", "-ERR syntax error"},
        {"ZUNION 1 str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZUNION 1 str FOO", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZINTER 0 a", "-ERR at least 1 input key is needed for 'zinter' command"},
        {"ZINTER 1 a LIMIT 1", "-ERR syntax error"},
        {"ZDIFF 1 a WEIGHTS 1", "-ERR syntax error"},
        {"ZDIFF 1 a AGGREGATE SUM", "-ERR syntax error"},
        {"ZINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"},
        {"ZINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative"},
        {"ZINTERCARD 1 a LIMIT", "-ERR syntax error"},
        {"ZINTERCARD 1 a WITHSCORES", "-ERR syntax error"},
        {"ZUNIONSTORE d 0 a", "-ERR at least 1 input key is needed for 'zunionstore' command"},
        {"ZUNIONSTORE d 1 a WITHSCORES", "-ERR syntax error"},
        {"ZUNIONSTORE d 2 a", "-ERR syntax error"},
        {"ZINTERSTORE d x a", "-ERR value is not an integer or out of range"},
        {"ZDIFFSTORE d 1 a WEIGHTS 1", "-ERR syntax error"},
        {"ZDIFFSTORE d 0 a", "-ERR at least 1 input key is needed for 'zdiffstore' command"},
        {"ZUNIONSTORE d 1 str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void wrong_types(void **state)
{
    static const struct step steps[] = {
        {"SET s v", "+OK"},
        {"ZADD s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZINCRBY s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZSCORE s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZMSCORE s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZCARD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZCOUNT s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZLEXCOUNT s - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANGE s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREVRANGE s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANGEBYSCORE s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREVRANGEBYSCORE s 1 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANGEBYLEX s - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREVRANGEBYLEX s + -", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANGESTORE d s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANK s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREVRANK s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREM s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREMRANGEBYRANK s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREMRANGEBYSCORE s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZREMRANGEBYLEX s - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZPOPMIN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZPOPMAX s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZMPOP 2 none s MIN", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANDMEMBER s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZRANDMEMBER s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"ZSCAN s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GET s", "'v'"},
        {"ZADD z 1 a", ":1"},
        {"GET z", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"INCR z", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void encodings_follow_the_settings(void **state)
{
    static const struct step steps[] = {
        {"ZADD z 1 a", ":1"},
        {"OBJECT ENCODING z", "'listpack'"},
        {"CONFIG SET zset-max-ziplist-entries 2", "+OK"},
        {"CONFIG GET zset-max-listpack-entries", "['zset-max-listpack-entries', '2']",
         "{'zset-max-listpack-entries': '2'}"},
        {"ZADD z 2 b", ":1"},
        {"OBJECT ENCODING z", "'listpack'"},
        {"ZADD z 3 c", ":1"},
        {"OBJECT ENCODING z", "'skiplist'"},
        {"ZREM z b c", ":2"},
        {"OBJECT ENCODING z", "'skiplist'"},
        {"ZADD long 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ":1"},
        {"OBJECT ENCODING long", "'listpack'"},
        {"ZADD long 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", ":1"},
        {"OBJECT ENCODING long", "'skiplist'"},
        {"COPY z copy", ":1"},
        {"OBJECT ENCODING copy", "'skiplist'"},
        {"ZRANGE copy 0 -1 WITHSCORES", "['a', '1']", "[['a', ,1]]"},
        {"ZADD z 5 e 4 d", ":2"},
        {"ZRANGE copy 0 -1", "['a']"},
        {"RENAME z moved", "+OK"},
        {"ZRANGE moved 0 -1 WITHSCORES", "['a', '1', 'd', '4', 'e', '5']",
         "[['a', ,1], ['d', ,4], ['e', ,5]]"},
        {"EXPIRE moved 100", ":1"},
        {"ZADD moved 9 i", ":1"},
        {"TTL moved", ":<40..100>"},
        {"ZUNIONSTORE moved 1 copy", ":1"},
        {"TTL moved", ":-1"},
        {"UNLINK moved copy long", ":3"},
        {"DBSIZE", ":0"},
        {"CONFIG SET zset-max-listpack-entries 128", "+OK"},
    };

    SCRIPT(*state, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_and_scores),
        cmocka_unit_test(adding_on_conditions),
        cmocka_unit_test(increments),
        cmocka_unit_test(ranges_of_small_sets),
        cmocka_unit_test(ranges_of_large_sets),
        cmocka_unit_test(ranges_by_bytes),
        cmocka_unit_test(range_errors),
        cmocka_unit_test(ranges_are_stored),
        cmocka_unit_test(ranks),
        cmocka_unit_test(removing),
        cmocka_unit_test(popping),
        cmocka_unit_test(random_members),
        cmocka_unit_test(scans),
        cmocka_unit_test(unions),
        cmocka_unit_test(intersections_and_differences),
        cmocka_unit_test(algebra_errors),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(encodings_follow_the_settings),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
