package storetest

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Benchmark measures what requests and deployments wait for, and what recording
// costs; ns/op of WriteExecutions is for one execution, of batches of 256.
func Benchmark(b *testing.B, open func(b *testing.B) (store.Store, store.Executions)) {
	b.Run("ActiveDeployment", func(b *testing.B) {
		s, _ := open(b)
		fillBench(b, s)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := s.ActiveDeployment(context.Background(), "demo"); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("DeployScript/callers=%d", callers), func(b *testing.B) {
			s, _ := open(b)
			app := fillBench(b, s)
			b.ReportAllocs()
			b.SetParallelism(callers)
			b.ResetTimer()
			if callers == 1 {
				for i := 0; i < b.N; i++ {
					deployBench(b, s, app)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					deployBench(b, s, app)
				}
			})
		})
	}
	b.Run("KVGet", func(b *testing.B) {
		s, _ := open(b)
		app := fillBench(b, s)
		if _, err := s.Commit(context.Background(), store.Commit{AppID: app.ID, Ops: []store.KVOp{set("key", "a value")}, At: at(0)}); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if got, err := s.KVGet(context.Background(), app.ID, []string{"key"}, at(0)); err != nil || len(got) != 1 {
				b.Fatal(got, err)
			}
		}
	})
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("Commit/callers=%d", callers), func(b *testing.B) {
			s, _ := open(b)
			app := fillBench(b, s)
			b.ReportAllocs()
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			b.ResetTimer()
			if callers == 1 {
				for i := 0; i < b.N; i++ {
					setBench(b, s, app)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					setBench(b, s, app)
				}
			})
		})
	}
	for _, lines := range []int{0, 5} {
		b.Run(fmt.Sprintf("WriteExecutions/lines=%d", lines), func(b *testing.B) {
			_, x := open(b)
			app, script := newID(), newID()
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				b.StopTimer()
				batch := make([]store.Execution, min(256, b.N-done))
				for i := range batch {
					batch[i] = execution(app, script, time.Now())
					for range lines {
						batch[i].Logs = append(batch[i].Logs, store.LogLine{
							At: batch[i].StartedAt, Level: "info", Source: "print", Line: 12, Column: 3,
							Message: "an order for 3 items was accepted from 192.0.2.17 after 12 ms",
						})
					}
				}
				b.StartTimer()
				if err := x.WriteExecutions(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
				done += len(batch)
			}
		})
	}
	b.Run("ListExecutions", func(b *testing.B) {
		_, x := open(b)
		app, script := newID(), newID()
		for range 40 {
			batch := make([]store.Execution, 250)
			for i := range batch {
				batch[i] = execution(app, script, time.Now())
			}
			if err := x.WriteExecutions(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		for b.Loop() {
			list, err := x.ListExecutions(context.Background(), store.ExecutionFilter{AppID: app, Limit: 50})
			if err != nil || len(list) != 50 {
				b.Fatal(len(list), err)
			}
		}
	})
}

// fillBench makes an app of ten scripts among others.
func fillBench(b *testing.B, s store.Store) store.App {
	b.Helper()
	var app store.App
	for i := range 20 {
		app = newApp(fmt.Sprintf("app-%d", i))
		if i == 10 {
			app.Slug = "demo"
		}
		if err := s.CreateApp(context.Background(), app, "x"); err != nil {
			b.Fatal(err)
		}
	}
	app, err := s.AppBySlug(context.Background(), "demo")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10 {
		if _, err := s.DeployScript(context.Background(), deployOf(app, fmt.Sprintf("script-%d", i), source(), at(0))); err != nil {
			b.Fatal(err)
		}
	}
	return app
}

func setBench(b *testing.B, s store.Store, app store.App) {
	op := set(fmt.Sprintf("key/%d", counter.Add(1)%10_000), "a value of some length, as scripts keep them")
	if _, err := s.Commit(context.Background(), store.Commit{AppID: app.ID, RunID: newID(), Seq: 1, Ops: []store.KVOp{op}, At: at(0), MaxBytes: 1 << 30}); err != nil {
		b.Error(err)
	}
}

func deployBench(b *testing.B, s store.Store, app store.App) {
	if _, err := s.DeployScript(context.Background(), deployOf(app, "script-3", source(), at(0))); err != nil {
		b.Error(err)
	}
}
