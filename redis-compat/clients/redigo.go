// redigo: what Go programs do with it.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

var (
	address = "127.0.0.1:" + os.Getenv("CAIRN_PORT")
	failed  = 0
	pool    = &redis.Pool{
		MaxIdle: 16, MaxActive: 16, Wait: true, IdleTimeout: time.Minute,
		Dial: func() (redis.Conn, error) { return redis.Dial("tcp", address) },
		TestOnBorrow: func(c redis.Conn, t time.Time) error {
			_, err := c.Do("PING")
			return err
		},
	}
)

type failure string

func expect(got, expected interface{}) {
	if !reflect.DeepEqual(got, expected) {
		panic(failure(fmt.Sprintf("expected %#v, got %#v", expected, got)))
	}
}

func must(err error) {
	if err != nil {
		panic(failure(err.Error()))
	}
}

func do(c redis.Conn, command string, args ...interface{}) interface{} {
	reply, err := c.Do(command, args...)
	must(err)
	return reply
}

func test(name string, run func(c redis.Conn)) {
	c := pool.Get()
	defer func() {
		c.Close()
		if why := recover(); why != nil {
			failed = 1
			fmt.Printf("not ok %s: %v\n", name, why)
		} else {
			fmt.Println("ok", name)
		}
	}()
	run(c)
}

func values(c redis.Conn) {
	expect(do(c, "SET", "k", "v", "EX", 1000), "OK")
	text, err := redis.String(c.Do("GET", "k"))
	must(err)
	expect(text, "v")
	_, err = redis.String(c.Do("GET", "nosuch"))
	expect(err, redis.ErrNil)
	number, err := redis.Int64(c.Do("INCRBY", "n", 5))
	must(err)
	expect(number, int64(5))
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	do(c, "SET", bytes, bytes)
	got, err := redis.Bytes(c.Do("GET", bytes))
	must(err)
	expect(got, bytes)
	large := strings.Repeat("x", 8<<20)
	do(c, "SET", "large", large)
	text, err = redis.String(c.Do("GET", "large"))
	must(err)
	expect(text == large, true)
	yes, err := redis.Bool(c.Do("EXISTS", "k"))
	must(err)
	expect(yes, true)
	_, err = c.Do("INCR", "k")
	expect(err.Error(), "ERR value is not an integer or out of range")
}

func structs(c redis.Conn) {
	type user struct {
		Name  string  `redis:"name"`
		Age   int     `redis:"age"`
		Score float64 `redis:"score"`
	}
	in, out := user{"Ann", 41, 1.5}, user{}
	do(c, "HSET", redis.Args{}.Add("user").AddFlat(&in)...)
	fields, err := redis.Values(c.Do("HGETALL", "user"))
	must(err)
	must(redis.ScanStruct(fields, &out))
	expect(out, in)
	do(c, "RPUSH", redis.Args{}.Add("list").AddFlat([]int{3, 1, 2})...)
	numbers, err := redis.Ints(c.Do("SORT", "list"))
	must(err)
	expect(numbers, []int{1, 2, 3})
	do(c, "ZADD", "z", 1, "a", 2, "b")
	scores, err := redis.IntMap(c.Do("ZRANGE", "z", 0, -1, "WITHSCORES"))
	must(err)
	expect(scores, map[string]int{"a": 1, "b": 2})
	do(c, "GEOADD", "geo", 13.361389, 38.115556, "Palermo")
	positions, err := redis.Positions(c.Do("GEOPOS", "geo", "Palermo", "nosuch"))
	must(err)
	expect(positions[0] != nil && positions[1] == nil, true)
}

func pipelines(c redis.Conn) {
	for i := 0; i < 10000; i++ {
		must(c.Send("INCR", "piped"))
	}
	must(c.Flush())
	for i := 1; i <= 10000; i++ {
		got, err := redis.Int(c.Receive())
		must(err)
		expect(got, i)
	}
}

func transactions(c redis.Conn) {
	must(c.Send("MULTI"))
	must(c.Send("SET", "t", 1))
	must(c.Send("INCR", "t"))
	replies, err := redis.Values(c.Do("EXEC"))
	must(err)
	expect(replies, []interface{}{"OK", int64(2)})
	do(c, "WATCH", "t")
	other := pool.Get()
	do(other, "SET", "t", "other")
	other.Close()
	must(c.Send("MULTI"))
	must(c.Send("SET", "t", "mine"))
	_, err = redis.Values(c.Do("EXEC"))
	expect(err, redis.ErrNil)
}

func pools(c redis.Conn) {
	var all sync.WaitGroup
	for i := 0; i < 64; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 50; j++ {
				own := pool.Get()
				own.Do("INCR", "pooled")
				own.Close()
			}
		}()
	}
	all.Wait()
	got, err := redis.Int(c.Do("GET", "pooled"))
	must(err)
	expect(got, 3200)
	local, err := redis.Dial("unix", os.Getenv("CAIRN_SOCKET"), redis.DialDatabase(3))
	must(err)
	do(local, "SET", "where", 3)
	local.Close()
	own, err := redis.DialURL("redis://" + address + "/3")
	must(err)
	text, err := redis.String(own.Do("GET", "where"))
	must(err)
	expect(text, "3")
	own.Close()
}

func scans(c redis.Conn) {
	for i := 0; i < 2000; i++ {
		must(c.Send("SET", fmt.Sprintf("scan:%d", i), i))
	}
	must(c.Flush())
	for i := 0; i < 2000; i++ {
		_, err := c.Receive()
		must(err)
	}
	found, at := map[string]bool{}, 0
	for {
		reply, err := redis.Values(c.Do("SCAN", at, "MATCH", "scan:*", "COUNT", 100))
		must(err)
		var keys []string
		_, err = redis.Scan(reply, &at, &keys)
		must(err)
		for _, key := range keys {
			found[key] = true
		}
		if at == 0 {
			break
		}
	}
	expect(len(found), 2000)
}

// Workers take jobs that a producer makes; each job is done once.
func queues(c redis.Conn) {
	var all sync.WaitGroup
	var lock sync.Mutex
	done := map[string]int{}
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			own, err := redis.Dial("tcp", address)
			must(err)
			defer own.Close()
			for {
				job, err := redis.Strings(redis.DoWithTimeout(own, time.Minute, "BLPOP", "jobs", 50))
				if err != nil || job[1] == "end" {
					return
				}
				lock.Lock()
				done[job[1]]++
				lock.Unlock()
			}
		}()
	}
	for i := 0; i < 1000; i++ {
		do(c, "RPUSH", "jobs", i)
	}
	do(c, "RPUSH", "jobs", "end", "end", "end", "end")
	all.Wait()
	expect(len(done), 1000)
}

func subscriptions(c redis.Conn) {
	own, err := redis.Dial("tcp", address)
	must(err)
	subscriber := redis.PubSubConn{Conn: own}
	must(subscriber.Subscribe("news"))
	must(subscriber.PSubscribe("n*"))
	messages, ready := make(chan string, 1000), make(chan bool)
	go func() {
		for {
			switch message := subscriber.Receive().(type) {
			case redis.Message:
				messages <- message.Pattern + "|" + string(message.Data)
			case redis.Subscription:
				if message.Count == 2 {
					close(ready)
				} else if message.Count == 0 {
					close(messages)
					return
				}
			case error:
				close(messages)
				return
			}
		}
	}()
	<-ready
	for i := 0; i < 100; i++ {
		count, err := redis.Int(c.Do("PUBLISH", "news", i))
		must(err)
		expect(count, 2)
	}
	must(subscriber.Unsubscribe())
	must(subscriber.PUnsubscribe())
	count := 0
	for range messages {
		count++
	}
	expect(count, 200)
	own.Close()
}

func users(c redis.Conn) {
	do(c, "ACL", "SETUSER", "frank", "on", ">secret", "~k", "+get")
	own, err := redis.Dial("tcp", address, redis.DialUsername("frank"), redis.DialPassword("secret"))
	must(err)
	_, err = own.Do("SET", "k", "x")
	expect(strings.HasPrefix(err.Error(), "NOPERM"), true)
	own.Close()
	_, err = redis.Dial("tcp", address, redis.DialUsername("frank"), redis.DialPassword("wrong"))
	expect(err != nil && strings.HasPrefix(err.Error(), "WRONGPASS"), true)
}

func encrypted(c redis.Conn) {
	certificate, err := os.ReadFile(os.Getenv("CAIRN_TLS_CA"))
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	own, err := redis.Dial("tcp", "127.0.0.1:"+os.Getenv("CAIRN_TLS_PORT"), redis.DialUseTLS(true),
		redis.DialTLSConfig(&tls.Config{RootCAs: roots, ServerName: "localhost"}))
	must(err)
	large := strings.Repeat("x", 1000000)
	do(own, "SET", "tls", large)
	text, err := redis.String(own.Do("GET", "tls"))
	must(err)
	expect(text == large, true)
	own.Close()
}

func main() {
	test("values", values)
	test("structs", structs)
	test("pipelines", pipelines)
	test("transactions", transactions)
	test("pools", pools)
	test("scans", scans)
	test("queues", queues)
	test("subscriptions", subscriptions)
	test("users", users)
	if os.Getenv("CAIRN_TLS_PORT") == "" {
		fmt.Println("skip tls: the server has none")
	} else {
		test("tls", encrypted)
	}
	os.Exit(failed)
}
