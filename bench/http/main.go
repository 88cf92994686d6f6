// Command http measures the way of a request through PiCloud against a bare
// net/http handler that answers the same. Both run as processes of their own, in
// turns within one run, under the same load; what counts is their ratio.
//
//	go run ./bench/http [-connections 32] [-rounds 10] [-round 1s]
//
// On PostgreSQL, with a private cluster:
//
//	PICLOUD_TEST_DIR=/tmp go run ./internal/store/postgres/pgtest/with go run ./bench/http
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/bench/load"
	"github.com/picloud/picloud/internal/bootstrap"
	"github.com/picloud/picloud/internal/picloudtest"
)

const (
	script = "let name = request.query.name;\n`Hello, ${name}!`\n"
	path   = "/hello?name=Ada"
	want   = "Hello, Ada!"
	// rawEnv makes this program the bare server.
	rawEnv = "PICLOUD_BENCH_RAW"
)

func main() {
	log.SetFlags(0)
	if os.Getenv(rawEnv) != "" {
		log.Fatal(serveRaw())
	}
	connections := flag.Int("connections", 32, "requests under way at once")
	rounds := flag.Int("rounds", 10, "turns of each server")
	round := flag.Duration("round", time.Second, "how long a turn takes")
	flag.Parse()
	if err := run(*connections, *rounds, *round); err != nil {
		log.Fatal(err)
	}
}

func serveRaw() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "Hello, "+r.URL.Query().Get("name")+"!")
	}))
}

// startRaw starts the bare server as a process; stop ends it.
func startRaw() (addr string, pid int, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", 0, nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), rawEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", 0, nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", 0, nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
	}
	return strings.TrimSpace(line), cmd.Process.Pid, stop, err
}

func run(connections, rounds int, round time.Duration) error {
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
	owner, err := server.SignIn(ctx)
	if err != nil {
		return err
	}
	app := fmt.Sprintf("bench-%d", os.Getpid())
	if _, err := owner.CreateApp(ctx, app); err != nil {
		return err
	}
	if err := picloudtest.Deploy(ctx, owner, app, "hello", script); err != nil {
		return err
	}
	rawAddr, rawPID, stopRaw, err := startRaw()
	if err != nil {
		return err
	}
	defer stopRaw()
	raw := load.Target{Addr: rawAddr, Path: path, Want: want}
	picloud := load.Target{Addr: strings.TrimPrefix(server.URL, "http://"), Path: "/" + app + path, Want: want}

	// A first turn of each warms both up and is not counted.
	for _, t := range []load.Target{raw, picloud} {
		if _, err := load.Run(ctx, t, connections, round); err != nil {
			return fmt.Errorf("%s: %w", t.Path, err)
		}
	}
	var ratios []float64
	var bare, ours []load.Result
	cpu := startCPU(rawPID, server.PID())
	for range rounds {
		b, err := load.Run(ctx, raw, connections, round)
		if err != nil {
			return err
		}
		o, err := load.Run(ctx, picloud, connections, round)
		if err != nil {
			return err
		}
		bare, ours = append(bare, b), append(ours, o)
		ratios = append(ratios, o.PerSecond()/b.PerSecond())
	}
	cpu.stop()
	stats, err := bootstrap.ReadStats(ctx, options.Data)
	if err != nil {
		return err
	}
	slices.Sort(ratios)
	fmt.Printf("%s/%s, %d processors, %d connections, %d turns of %s each\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), connections, rounds, round)
	show("bare net/http", bare, cpu.used[0])
	show("PiCloud", ours, cpu.used[1])
	fmt.Printf("ratio           %.2f (median of the turns; %.2f to %.2f)\n", ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
	fmt.Printf("executions      recorded %d, dropped %d\n", stats.Recorded, stats.Dropped)
	return server.Stop()
}

func show(name string, results []load.Result, cpu time.Duration) {
	median := func(f func(load.Result) float64) float64 {
		var values []float64
		for _, r := range results {
			values = append(values, f(r))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	requests := 0
	for _, r := range results {
		requests += r.Requests
	}
	fmt.Printf("%-15s %6.0f requests/s, p50 %.2f ms, p99 %.2f ms", name, median(load.Result.PerSecond),
		median(func(r load.Result) float64 { return float64(r.Quantile(0.5)) / 1e6 }),
		median(func(r load.Result) float64 { return float64(r.Quantile(0.99)) / 1e6 }))
	if cpu > 0 {
		fmt.Printf(", CPU %.1f µs a request", float64(cpu.Nanoseconds())/1e3/float64(requests))
	}
	fmt.Println()
}

// cpuTimes is the CPU time that processes use between startCPU and stop, where
// the system tells. Unlike a rate it hardly depends on what else the machine does.
type cpuTimes struct {
	pids   []int
	before []picloudtest.Usage
	used   []time.Duration
}

func startCPU(pids ...int) *cpuTimes {
	c := &cpuTimes{pids: pids, used: make([]time.Duration, len(pids))}
	for _, pid := range pids {
		u, err := picloudtest.ReadUsage(pid)
		if err != nil {
			return &cpuTimes{used: c.used}
		}
		c.before = append(c.before, u)
	}
	return c
}

func (c *cpuTimes) stop() {
	for i, pid := range c.pids {
		if u, err := picloudtest.ReadUsage(pid); err == nil {
			c.used[i] = u.Sub(c.before[i]).CPU
		}
	}
}
