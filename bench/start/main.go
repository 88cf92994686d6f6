// Command start measures how long PiCloud takes from the start of its process
// to the first answer of a script, and a script's first execution after it was
// deployed against its later ones.
//
//	go run ./bench/start [-n 20]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/picloudtest"
)

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 20, "how often")
	flag.Parse()
	if err := run(*n); err != nil {
		log.Fatal(err)
	}
}

func run(n int) error {
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
	empty := server.ReadyAfter
	owner, err := server.SignIn(ctx)
	if err != nil {
		return err
	}
	if _, err := owner.CreateApp(ctx, "bench"); err != nil {
		return err
	}
	var first, later []time.Duration
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		if err := picloudtest.Deploy(ctx, owner, "bench", name, source(i)); err != nil {
			return err
		}
		for try := range 2 {
			began := time.Now()
			if _, err := picloudtest.Get(ctx, server.URL+"/bench/"+name); err != nil {
				return err
			}
			if took := time.Since(began); try == 0 {
				first = append(first, took)
			} else {
				later = append(later, took)
			}
		}
	}
	if err := server.Stop(); err != nil {
		return err
	}
	var starts []time.Duration
	for range n {
		began := time.Now()
		server, err := picloudtest.Start(ctx, options)
		if err != nil {
			return err
		}
		if _, err := picloudtest.Get(ctx, server.URL+"/bench/s0"); err != nil {
			return err
		}
		starts = append(starts, time.Since(began))
		if err := server.Stop(); err != nil {
			return err
		}
	}
	fmt.Printf("%s/%s, %d processors, %d times each\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), n)
	fmt.Printf("%-44s %.1f ms (owner's password hashed)\n", "process start to ready, empty directory", float64(empty)/1e6)
	show("process start to a script's first answer", starts)
	show("first request after a deployment", first)
	show("second request", later)
	return nil
}

// source is a script of a page's length, so that there is something to compile.
func source(i int) string {
	var b strings.Builder
	for j := range 20 {
		fmt.Fprintf(&b, "fn step_%d(x) {\n\tif x > %d { x - 1 } else { x + 1 }\n}\n", j, i)
	}
	b.WriteString("let sum = 0;\nfor i in 0..20 { sum += step_0(i) + step_19(i); }\n`${sum}`\n")
	return b.String()
}

func show(name string, times []time.Duration) {
	slices.Sort(times)
	fmt.Printf("%-44s median %.2f ms, worst %.2f ms\n", name, float64(times[len(times)/2])/1e6, float64(times[len(times)-1])/1e6)
}
