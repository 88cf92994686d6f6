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
	apps := apps{owner: owner, prefix: fmt.Sprintf("bench-%d", os.Getpid())}
	began := time.Now()
	if err := apps.addScripts(ctx, server.URL, scripts); err != nil {
		return err
	}
	if err := apps.addTriggers(ctx, triggers); err != nil {
		return err
	}
	fmt.Printf("deploying took %s\n", time.Since(began).Round(time.Second))
	target := load.Target{Addr: strings.TrimPrefix(server.URL, "http://"), Path: "/" + apps.prefix + "-s0/s0", Want: "script 0"}
	if _, err := load.Run(ctx, target, 32, 5*time.Second); err != nil {
		return err
	}
	if err := watch(server.PID(), length, fmt.Sprintf("after load, %d scripts, %d triggers", scripts, 2*triggers)); err != nil {
		return err
	}
	return server.Stop()
}

// apps are of a hundred scripts, or of a hundred schedules and queues, each: every
// change writes its app's whole deployment.
type apps struct {
	owner  *client.Client
	prefix string
}

const each = 100

// of returns the app of the number i of a kind, which is made for the first.
func (a apps) of(ctx context.Context, kind string, i int) (app string, first bool, err error) {
	app = fmt.Sprintf("%s-%s%d", a.prefix, kind, i/each)
	if first = i%each == 0; first {
		_, err = a.owner.CreateApp(ctx, app)
	}
	return app, first, err
}

// addScripts deploys n scripts and calls each.
func (a apps) addScripts(ctx context.Context, url string, n int) error {
	for i := range n {
		app, _, err := a.of(ctx, "s", i)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("s%d", i)
		if err := picloudtest.Deploy(ctx, a.owner, app, name, fmt.Sprintf("\"script %d\"", i)); err != nil {
			return err
		}
		if _, err := picloudtest.Get(ctx, url+"/"+app+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// addTriggers makes n schedules, none of which is due before tomorrow, and n
// queues with a consumer.
func (a apps) addTriggers(ctx context.Context, n int) error {
	for i := range n {
		app, first, err := a.of(ctx, "t", i)
		if err != nil {
			return err
		}
		if first {
			if err := picloudtest.Deploy(ctx, a.owner, app, "run", `print(event.id)`); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("t%d", i)
		if _, _, err := a.owner.SetSchedule(ctx, app, name, client.SetSchedule{Cron: "@every 48h", Script: "run"}); err != nil {
			return err
		}
		if _, _, err := a.owner.ConsumeQueue(ctx, app, name, client.Delivery{Script: "run"}); err != nil {
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
