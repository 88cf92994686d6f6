//go:build linux

// Command deliver measures the time until the handler of a message starts: from the
// moment a client sends a request whose script leaves the message in a queue, and from
// the moment that script starts. It does so in turns with what a durable write costs by
// itself: 4 KiB appended to a file in the same directory, and fdatasync.
//
//	go run ./bench/deliver [-n 200] [-pause 2ms]
//
// Between two messages it pauses, so that the handler of the first has ended. On a
// machine that does nothing else a longer pause makes both slower: processors fall
// asleep, and caches go cold.
//
// It runs on SQLite, or on the database of PICLOUD_DATABASE_URL, whose disk may be
// another one.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/picloud/picloud/bench/load"
	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 200, "how many messages, 500 at most")
	pause := flag.Duration("pause", 2*time.Millisecond, "how long to pause after a message")
	flag.Parse()
	if err := run(*n, *pause); err != nil {
		log.Fatal(err)
	}
}

func run(n int, pause time.Duration) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "picloud-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := picloudtest.Build(ctx, dir)
	if err != nil {
		return err
	}
	server, err := picloudtest.Start(ctx, picloudtest.Options{Binary: bin, Data: dir + "/data"})
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }() // after an error; otherwise it has stopped
	owner, err := server.SignIn(ctx)
	if err != nil {
		return err
	}
	if err := setUp(ctx, owner); err != nil {
		return err
	}
	disk, err := os.Create(filepath.Join(dir, "data", "bench"))
	if err != nil {
		return err
	}
	defer disk.Close()
	target := load.Target{Addr: strings.TrimPrefix(server.URL, "http://"), Path: "/bench/send", Want: "sent"}
	conn, err := load.Dial(ctx, target, time.Now().Add(time.Minute+time.Duration(n)*(pause+time.Second)))
	if err != nil {
		return err
	}
	defer conn.Close()
	var syncs, answers []time.Duration
	var sent []time.Time
	for range n {
		began := time.Now()
		if err := syncOnce(disk); err != nil {
			return err
		}
		syncs = append(syncs, time.Since(began))
		sent = append(sent, time.Now())
		if err := conn.Ask(); err != nil {
			return err
		}
		answers = append(answers, time.Since(sent[len(sent)-1]))
		time.Sleep(pause)
	}
	starts := map[string][]time.Time{}
	for _, script := range []string{"send", "work"} {
		page, err := owner.ListExecutions(ctx, "bench", client.ExecutionQuery{Script: script, Limit: n})
		if err != nil {
			return err
		}
		if len(page.Items) != n {
			return fmt.Errorf("%d executions of %s were recorded, want %d", len(page.Items), script, n)
		}
		for _, e := range page.Items {
			starts[script] = append(starts[script], e.StartedAt)
		}
		slices.SortFunc(starts[script], time.Time.Compare)
	}
	fmt.Printf("%s/%s, %d processors, %d messages, one at a time, with pauses of %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), n, pause)
	one := show("4 KiB and fdatasync", syncs, 0)
	show("request sent to answered", answers, one)
	show("request sent to handler started", between(sent, starts["work"]), one)
	show("sender started to handler started", between(starts["send"], starts["work"]), one)
	return server.Stop()
}

func setUp(ctx context.Context, c *client.Client) error {
	if _, err := c.CreateApp(ctx, "bench"); err != nil {
		return err
	}
	if err := picloudtest.Deploy(ctx, c, "bench", "work", "()"); err != nil {
		return err
	}
	if err := picloudtest.Deploy(ctx, c, "bench", "send", `queue::send("work", 1); "sent"`); err != nil {
		return err
	}
	_, _, err := c.ConsumeQueue(ctx, "bench", "work", client.Delivery{Script: "work"})
	return err
}

func syncOnce(f *os.File) error {
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return syscall.Fdatasync(int(f.Fd()))
}

func between(from, to []time.Time) (list []time.Duration) {
	for i := range from {
		list = append(list, to[i].Sub(from[i]))
	}
	return list
}

// show prints a row and returns the median. one is that of a sync, 0 for its own row.
func show(name string, times []time.Duration, one time.Duration) time.Duration {
	slices.Sort(times)
	median := times[len(times)/2]
	fmt.Printf("%-34s median %.3f ms, worst %.2f ms", name, float64(median)/1e6, float64(times[len(times)-1])/1e6)
	if one > 0 {
		fmt.Printf(", %.2f syncs", float64(median)/float64(one))
	}
	fmt.Println()
	return median
}
