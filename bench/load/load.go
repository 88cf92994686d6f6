// Package load puts an HTTP server under load over kept-alive connections. Its
// client does as little as possible beside checking each answer, because it
// shares the machine with what it measures.
package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Target is a request and the answer it must get.
type Target struct {
	Addr string // HOST:PORT
	Path string
	Host string // of the Host header; empty: Addr
	Want string // the body of a 200
}

// Result is what one run of load measured.
type Result struct {
	Requests int
	Elapsed  time.Duration
	Latency  []time.Duration // sorted
}

// PerSecond is the rate of answered requests.
func (r Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Quantile returns the latency that the share q of requests does not exceed.
func (r Result) Quantile(q float64) time.Duration {
	if len(r.Latency) == 0 {
		return 0
	}
	return r.Latency[min(int(q*float64(len(r.Latency))), len(r.Latency)-1)]
}

// Run keeps the given number of connections busy, each with one request at a
// time, for d. Any wrong answer ends it with an error.
func Run(ctx context.Context, t Target, connections int, d time.Duration) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	latencies := make([][]time.Duration, connections)
	failures := make([]error, connections)
	var all sync.WaitGroup
	began := time.Now()
	for i := range connections {
		all.Go(func() {
			latencies[i], failures[i] = one(ctx, t, began.Add(d))
			if failures[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	r := Result{Elapsed: time.Since(began)}
	for _, l := range latencies {
		r.Requests += len(l)
		r.Latency = append(r.Latency, l...)
	}
	slices.Sort(r.Latency)
	return r, errors.Join(failures...)
}

func one(ctx context.Context, t Target, end time.Time) ([]time.Duration, error) {
	conn, err := Dial(ctx, t, end.Add(30*time.Second))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	latencies := make([]time.Duration, 0, 1<<16)
	for at := time.Now(); at.Before(end) && ctx.Err() == nil; {
		if err := conn.Ask(); err != nil {
			return latencies, err
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(at))
		at = now
	}
	return latencies, nil
}

// Conn is a connection that asks one question again and again, and costs its own
// process as little as it can. It is for one goroutine.
type Conn struct {
	net.Conn
	in      *bufio.Reader
	request []byte
	body    []byte
	want    string
}

// Dial connects to the target. Nothing waits beyond the deadline.
func Dial(ctx context.Context, t Target, deadline time.Time) (*Conn, error) {
	host := t.Host
	if host == "" {
		host = t.Addr
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	request := []byte("GET " + t.Path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	return &Conn{Conn: conn, in: bufio.NewReader(conn), request: request, body: make([]byte, len(t.Want)), want: t.Want}, nil
}

// Ask sends the request and reads its answer; another one than the target's is an error.
func (c *Conn) Ask() error {
	if _, err := c.Write(c.request); err != nil {
		return err
	}
	return answer(c.in, c.body, c.want)
}

var contentLength = []byte("Content-Length: ")

// answer reads one response and compares it with what it must be.
func answer(in *bufio.Reader, body []byte, want string) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		rest, _ := in.Peek(min(in.Buffered(), 2000))
		return fmt.Errorf("answered %s\n%s", bytes.TrimSpace(status), rest)
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if bytes.HasPrefix(line, contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return err
			}
		}
	}
	if length != len(want) {
		return fmt.Errorf("answered %d bytes, want %q", length, want)
	}
	if _, err := io.ReadFull(in, body); err != nil {
		return err
	}
	if string(body) != want {
		return fmt.Errorf("answered %q, want %q", body, want)
	}
	return nil
}
