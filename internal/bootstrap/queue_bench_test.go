package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// BenchmarkQueue measures messages that wait, through a trivial handler at
// concurrency 32: claimed, run, and acknowledged, each by a durable commit.
func BenchmarkQueue(b *testing.B) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" },
		"postgres": pgtest.Database,
	} {
		b.Run(name, func(b *testing.B) {
			c, err := defaults()
			if err != nil {
				b.Fatal(err)
			}
			c.Database = database(b)
			log := slog.New(slog.DiscardHandler)
			s, executions, err := openStore(b.Context(), c, b.TempDir(), log)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			p := join(c, wiring{store: s, executions: executions, node: "node", log: log})
			defer func() {
				if err := p.close(); err != nil {
					b.Error(err)
				}
			}()
			fillQueue(b, s)
			b.ResetTimer()
			if err := p.deliver(b.Context()); err != nil {
				b.Fatal(err)
			}
			for {
				due, err := s.DueChannels(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if len(due) == 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// fillQueue makes an app whose script consumes a queue of b.N messages.
func fillQueue(b *testing.B, s store.Store) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	app := store.App{ID: store.NewID(), Slug: "demo", ActiveDeployment: 1, CreatedAt: now, UpdatedAt: now}
	if err := s.CreateApp(b.Context(), app, ""); err != nil {
		b.Fatal(err)
	}
	const source = `let to = event.payload;`
	sum := sha256.Sum256([]byte(source))
	if _, err := s.DeployScript(b.Context(), store.DeployScript{
		AppID: app.ID, ScriptID: store.NewID(), Name: "main", Source: source, SourceHash: hex.EncodeToString(sum[:]), At: now,
	}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.ChangeManifest(b.Context(), app.ID, "", "", now, func(m *store.Manifest) error {
		m.Queues = map[string]store.ManifestQueue{"work": {Delivery: store.Delivery{Script: "main", Concurrency: 32}}}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	payload, err := value.Encode(rhai.String("ada@example.com"))
	if err != nil {
		b.Fatal(err)
	}
	for left := b.N; left > 0; {
		n := min(left, 500)
		list := make([]store.Message, n)
		for i := range list {
			list[i] = store.Message{
				ID: store.NewID(), Channel: store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "work"}, Source: "work",
				Payload: payload, Depth: 1, CreatedAt: now, DueAt: now,
			}
		}
		if _, err := s.Enqueue(b.Context(), list...); err != nil {
			b.Fatal(err)
		}
		left -= n
	}
}
