package orchestrator

import (
	"context"
	"net/http"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/store"
)

// discard is a response writer that keeps its headers only.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

type noRecords struct{}

func (noRecords) Record(store.Execution) {}

// What the orchestrator adds to a request, without the script and the network.
func BenchmarkServe(b *testing.B) {
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	a := &apps{manifests: map[string]store.Manifest{"demo": endpoints("hello")}}
	o := New(Config{
		Store: a, Recorder: noRecords{}, Limits: store.Limits{RequestBytes: 100},
		Executor: invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
			return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 200, Header: header, Body: []byte("hi")}}, nil
		}),
	})
	defer o.Close()
	r, _ := http.NewRequest("GET", "http://localhost/demo/hello?name=Ada", nil)
	r.RequestURI, r.RemoteAddr = "/demo/hello?name=Ada", "127.0.0.1:1234"
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		o.ServeHTTP(w, r)
	}
}
