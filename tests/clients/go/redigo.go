// redigo: a pool, pipelines, transactions, scripts, messages.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

var pool = &redis.Pool{
	MaxIdle: 4,
	Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", "127.0.0.1:"+os.Getenv("SNUG_PORT"), redis.DialReadTimeout(10*time.Second))
	},
}

func check(name string, body func(redis.Conn) error) {
	connection := pool.Get()
	defer connection.Close()
	if err := body(connection); err != nil {
		fmt.Printf("not ok %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " | "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

// The same values, or an error that shows both; an error of the call comes first.
func same(expected, given interface{}, err error) error {
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(expected, given) {
		return fmt.Errorf("expected %v, got %v", expected, given)
	}
	return nil
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func commands(c redis.Conn) error {
	text, err := redis.String(c.Do("SET", "s", "value"))
	failed := same("OK", text, err)
	text, err = redis.String(c.Do("GET", "s"))
	failed = first(failed, same("value", text, err))
	_, err = redis.String(c.Do("GET", "absent"))
	failed = first(failed, same(redis.ErrNil, err, nil))
	_, err = c.Do("HSET", redis.Args{}.Add("h").AddFlat(map[string]string{"a": "1", "b": "2"})...)
	pairs, err2 := redis.StringMap(c.Do("HGETALL", "h"))
	failed = first(failed, err, same(map[string]string{"a": "1", "b": "2"}, pairs, err2))
	_, err = c.Do("INCR", "s")
	return first(failed, same(redis.Error("ERR value is not an integer or out of range"), err, nil))
}

func pipeline(c redis.Conn) error {
	for i := 0; i < 1000; i++ {
		if err := c.Send("INCR", "n"); err != nil {
			return err
		}
	}
	if err := c.Flush(); err != nil {
		return err
	}
	for i := 1; i <= 1000; i++ {
		number, err := redis.Int(c.Receive())
		if err = same(i, number, err); err != nil {
			return err
		}
	}
	return nil
}

func transaction(c redis.Conn) error {
	other := pool.Get()
	defer other.Close()
	c.Send("MULTI")
	c.Send("SET", "t", "1")
	c.Send("INCR", "t")
	replies, err := redis.Values(c.Do("EXEC"))
	failed := same([]interface{}{"OK", int64(2)}, replies, err)
	_, watched := c.Do("WATCH", "t")
	_, changed := other.Do("SET", "t", "changed")
	c.Send("MULTI")
	c.Send("SET", "t", "mine")
	reply, err := c.Do("EXEC")
	return first(failed, watched, changed, same(nil, reply, err))
}

func script(c redis.Conn) error {
	add := redis.NewScript(1, "return redis.call('INCRBY', KEYS[1], ARGV[1])")
	number, err := redis.Int(add.Do(c, "added", 5))
	failed := same(5, number, err)
	_, err = c.Do("SCRIPT", "FLUSH")
	number, err2 := redis.Int(add.Do(c, "added", 2))
	return first(failed, err, same(7, number, err2))
}

func messages(c redis.Conn) error {
	subscriber := redis.PubSubConn{Conn: pool.Get()}
	defer subscriber.Close()
	if err := first(subscriber.Subscribe("news"), subscriber.PSubscribe("log.*")); err != nil {
		return err
	}
	heard := []string{}
	for len(heard) < 2 {
		switch message := subscriber.Receive().(type) {
		case redis.Message:
			heard = append(heard, message.Channel+"="+string(message.Data))
		case redis.Subscription:
			if message.Count == 2 {
				c.Do("PUBLISH", "news", "1")
				c.Do("PUBLISH", "log.x", "2")
			}
		case error:
			return message
		}
	}
	return same([]string{"news=1", "log.x=2"}, heard, subscriber.Unsubscribe())
}

func blocking(c redis.Conn) error {
	answer := make(chan error)
	go func() {
		blocked := pool.Get()
		defer blocked.Close()
		reply, err := redis.Strings(blocked.Do("BLPOP", "queue", 5))
		answer <- same([]string{"queue", "job"}, reply, err)
	}()
	if _, err := c.Do("RPUSH", "queue", "job"); err != nil {
		return err
	}
	return <-answer
}

func main() {
	check("commands", commands)
	check("a pipeline", pipeline)
	check("a transaction, and a watched key", transaction)
	check("a script", script)
	check("publish and subscribe", messages)
	check("a blocking pop", blocking)
}
