// Command idle measures what a PiCloud costs that nobody asks anything: CPU
// time, wake-ups and memory, after it has worked. Linux only.
//
//	go run ./bench/idle [-for 60s] [-scripts 100] [-triggers 0]
//
// On PostgreSQL, with a private cluster:
//
//	PICLOUD_TEST_DIR=/tmp go run ./internal/store/postgres/pgtest/with go run ./bench/idle
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/picloud/picloud/bench/load"
	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/idle"
	"github.com/picloud/picloud/internal/picloudtest"
)

func main() {
	log.SetFlags(0)
	length := flag.Duration("for", time.Minute, "how long to watch")
	scripts := flag.Int("scripts", 100, "scripts deployed and called before")
	triggers := flag.Int("triggers", 0, "schedules due tomorrow, and as many queues with a consumer")
	flag.Parse()
	if err := run(*length, *scripts, *triggers); err != nil {
		log.Fatal(err)
	}
}

func run(length time.Duration, scripts, triggers int) error {
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
	options := picloudtest.Options{Binary: bin, Data: dir + "/data"}
	server, err := picloudtest.Start(ctx, options)
	if err != nil {
		return err
	}
	defer server.Kill() //nolint:errcheck // after an error; it has stopped otherwise
	fmt.Printf("%s/%s, %d processors, watched for %s each\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), length)
	if err := watch(server.PID(), length, "just started"); err != nil {
		return err
	}
	owner, err := server.SignIn(ctx)
	if err != nil {
		return err
	}
	app := fmt.Sprintf("bench-%d", os.Getpid())
	if _, err := owner.CreateApp(ctx, app); err != nil {
		return err
	}
	for i := range scripts {
		name, source := fmt.Sprintf("s%d", i), fmt.Sprintf("\"script %d\"", i)
		if err := picloudtest.Deploy(ctx, owner, app, name, source); err != nil {
			return err
		}
		if _, err := picloudtest.Get(ctx, server.URL+"/"+app+"/"+name); err != nil {
			return err
		}
	}
	if err := addTriggers(ctx, owner, app, triggers); err != nil {
		return err
	}
	target := load.Target{Addr: strings.TrimPrefix(server.URL, "http://"), Path: "/" + app + "/s0", Want: "script 0"}
	if _, err := load.Run(ctx, target, 32, 5*time.Second); err != nil {
		return err
	}
	if err := watch(server.PID(), length, fmt.Sprintf("after load, %d scripts, %d triggers", scripts, 2*triggers)); err != nil {
		return err
	}
	return server.Stop()
}

// addTriggers makes n schedules, none of which is due before tomorrow, and n
// queues, in apps of a hundred each: every change writes an app's deployment.
func addTriggers(ctx context.Context, owner *client.Client, app string, n int) error {
	const each = 100
	for i := range n {
		name := fmt.Sprintf("%s-%d", app, i/each)
		if i%each == 0 {
			if _, err := owner.CreateApp(ctx, name); err != nil {
				return err
			}
			if err := picloudtest.Deploy(ctx, owner, name, "run", `print(event.id)`); err != nil {
				return err
			}
		}
		trigger := fmt.Sprintf("t%d", i)
		if _, _, err := owner.SetSchedule(ctx, name, trigger, client.SetSchedule{Cron: "@every 48h", Script: "run"}); err != nil {
			return err
		}
		if _, _, err := owner.ConsumeQueue(ctx, name, trigger, client.Delivery{Script: "run"}); err != nil {
			return err
		}
	}
	return nil
}

// watch lets the process fall idle and then reads what it uses.
func watch(pid int, length time.Duration, name string) error {
	time.Sleep(2*idle.Quiet + time.Second)
	before, err := picloudtest.ReadUsage(pid)
	if err != nil {
		return err
	}
	time.Sleep(length)
	after, err := picloudtest.ReadUsage(pid)
	if err != nil {
		return err
	}
	used := after.Sub(before)
	fmt.Printf("%-24s CPU %.4f ms/s, wake-ups %d, resident memory %.1f MiB\n", name,
		used.CPU.Seconds()*1000/length.Seconds(), used.Switches, float64(used.Resident)/(1<<20))
	return nil
}
