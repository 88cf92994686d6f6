// Command queue kills a PiCloud again and again while it takes and handles
// messages at full speed: of queues, of subscriptions to topics, and of a KV trigger.
// It counts afterwards what became of each: accepted ones must have had their
// effect exactly once, and none may be a dead letter.
//
//	go run ./bench/queue [-for 5m] [-kill 5s] [-producers 16]
//
// On PostgreSQL, with a private cluster:
//
//	PICLOUD_TEST_DIR=/tmp go run ./internal/store/postgres/pgtest/with go run ./bench/queue
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

func main() {
	log.SetFlags(0)
	length := flag.Duration("for", 5*time.Minute, "how long to produce and kill")
	kill := flag.Duration("kill", 5*time.Second, "the longest time between two kills")
	clients := flag.Int("producers", 16, "clients that send at once")
	flag.Parse()
	if err := run(*length, *kill, *clients); err != nil {
		log.Fatal(err)
	}
}

// scripts are the producers, and the handlers of what they send, publish and
// change. Each handler adds to a key of its own for each message.
var scripts = map[string]string{
	"send": `queue::send("work", request.params.rest)`,
	"work": `kv::add("work/" + event.payload, 1); kv::add("total", 1); queue::send("next", event.payload)`,
	"next": `kv::add("next/" + event.payload, 1)`,

	"publish": `topic::publish("order.created", request.params.rest)`,
	"heard":   `kv::add("heard/" + event.payload, 1); queue::send("next", event.payload)`,
	"echoed":  `for event in events { kv::add("echoed/" + event.payload, 1); }`,

	"set":  `kv::set("watched/" + request.params.rest, request.params.rest)`,
	"seen": `for event in events { kv::add("seen/" + event.payload.value, 1); }`,
}

// stages are the keys that show which messages of a producer took effect.
var stages = []struct {
	prefix    string
	producers []string
}{
	{"work/", []string{"send"}},
	{"heard/", []string{"publish"}},
	{"echoed/", []string{"publish"}},
	{"next/", []string{"send", "publish"}},
	{"watched/", []string{"set"}},
	{"seen/", []string{"set"}},
}

// producers take turns.
var producers = []string{"send", "publish", "set"}

// ledger is what the producers know of what they asked for, by ID: who produced it.
type ledger struct {
	mu       sync.Mutex
	next     int
	accepted map[string]string
	unknown  map[string]string // the answer did not come
}

func run(length, kill time.Duration, clients int) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "picloud-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := picloudtest.Build(ctx, dir)
	if err != nil {
		return err
	}
	options := picloudtest.Options{Binary: bin, Data: dir + "/data"}
	l := &ledger{accepted: map[string]string{}, unknown: map[string]string{}}
	kills := 0
	for end := time.Now().Add(length); time.Now().Before(end); kills++ {
		server, err := picloudtest.Start(ctx, options)
		if err != nil {
			return err
		}
		if kills == 0 {
			if err := setUp(ctx, server); err != nil {
				return errors.Join(err, server.Kill())
			}
		}
		var sending sync.WaitGroup
		for range clients {
			sending.Go(func() { l.produce(server.URL) })
		}
		time.Sleep(kill/10 + rand.N(kill-kill/10))
		if err := server.Kill(); err != nil {
			return err
		}
		sending.Wait()
	}
	server, err := picloudtest.Start(ctx, options)
	if err != nil {
		return err
	}
	defer server.Kill() //nolint:errcheck // after an error; it has stopped otherwise
	owner, err := server.SignIn(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	dead, err := drain(ctx, owner)
	if err != nil {
		return err
	}
	fmt.Printf("%d kills; %d requests accepted, %d whose outcome is unknown; the rest was handled in %v; %d dead letters\n",
		kills, len(l.accepted), len(l.unknown), time.Since(began).Round(time.Millisecond), dead)
	wrong := dead
	for _, stage := range stages {
		n, err := l.check(ctx, owner, stage.prefix, stage.producers)
		if err != nil {
			return err
		}
		wrong += n
	}
	if err := server.Stop(); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d messages are lost, doubled or dead", wrong)
	}
	return nil
}

func setUp(ctx context.Context, s *picloudtest.Server) error {
	c, err := s.SignIn(ctx)
	if err != nil {
		return err
	}
	if _, err := c.CreateApp(ctx, "demo"); err != nil {
		return err
	}
	for name, source := range scripts {
		if err := picloudtest.Deploy(ctx, c, "demo", name, source); err != nil {
			return err
		}
	}
	for _, queue := range []string{"work", "next"} {
		if _, _, err := c.ConsumeQueue(ctx, "demo", queue, client.Delivery{Script: queue, Concurrency: 32}); err != nil {
			return err
		}
	}
	if _, _, err := c.Subscribe(ctx, "demo", "heard", client.Subscribe{Pattern: "order.created", Script: "heard", Concurrency: 32}); err != nil {
		return err
	}
	if _, _, err := c.Subscribe(ctx, "demo", "echoed", client.Subscribe{Pattern: "order.*", Script: "echoed", BatchSize: 20}); err != nil {
		return err
	}
	_, _, err = c.SetKVTrigger(ctx, "demo", "seen", client.SetKVTrigger{Prefix: "watched/", Script: "seen", BatchSize: 20})
	return err
}

// states are those of all channels.
func states(ctx context.Context, c *client.Client) (list []client.ChannelState, err error) {
	for _, name := range []string{"work", "next"} {
		q, err := c.Queue(ctx, "demo", name)
		if err != nil {
			return nil, err
		}
		list = append(list, q.State)
	}
	for _, name := range []string{"heard", "echoed"} {
		s, err := c.Subscription(ctx, "demo", name)
		if err != nil {
			return nil, err
		}
		list = append(list, s.State)
	}
	t, err := c.KVTrigger(ctx, "demo", "seen")
	return append(list, t.State), err
}

// produce sends until the server is gone.
func (l *ledger) produce(url string) {
	for {
		l.mu.Lock()
		l.next++
		id, producer := fmt.Sprint(l.next), producers[l.next%len(producers)]
		l.mu.Unlock()
		res, err := http.Post(url+"/demo/"+producer+"/"+id, "", nil)
		if err == nil {
			res.Body.Close()
		}
		l.mu.Lock()
		switch {
		case err == nil && res.StatusCode == http.StatusNoContent:
			l.accepted[id] = producer
		case err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "":
			l.unknown[id] = producer
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// drain waits until nothing is left and returns how many are dead.
func drain(ctx context.Context, c *client.Client) (dead int, err error) {
	for {
		left := int64(0)
		dead = 0
		list, err := states(ctx, c)
		if err != nil {
			return 0, err
		}
		for _, s := range list {
			left += s.Ready + s.Delayed + s.InFlight
			dead += int(s.Dead)
		}
		if left == 0 {
			return dead, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// check counts the effects of what producers asked for at a stage, prints them, and
// returns how many are not as they must be.
func (l *ledger) check(ctx context.Context, c *client.Client, stage string, by []string) (wrong int, err error) {
	effects := map[string]string{}
	q := client.KVQuery{Prefix: stage, Page: client.Page{Limit: 500}}
	for {
		page, err := c.ListKV(ctx, "demo", q)
		if err != nil {
			return 0, err
		}
		for _, e := range page.Items {
			effects[strings.TrimPrefix(e.Key, stage)] = string(e.Value)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	lost, doubled, unsent := 0, 0, 0
	for id, producer := range l.accepted {
		if _, ok := effects[id]; !ok && slices.Contains(by, producer) {
			lost++
		}
	}
	for id, n := range effects {
		// What is watched is set to its ID.
		if n != "1" && stage != "watched/" {
			doubled++
		}
		if !slices.Contains(by, l.accepted[id]) && !slices.Contains(by, l.unknown[id]) {
			unsent++
		}
	}
	fmt.Printf("%-7s %d effects, %d lost, %d doubled, %d of what was refused\n", strings.TrimSuffix(stage, "/"), len(effects), lost, doubled, unsent)
	return lost + doubled + unsent, nil
}
