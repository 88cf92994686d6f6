package executor

import (
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// The cost of one run by what a script does: the platform's hot path without
// routing, recording and the network.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct{ name, script string }{
		{"unit", `()`},
		{"text", `"hello"`},
		{"query", "let name = request.query.name;\n`Hello, ${name}!`\n"},
		{"json", `#{ ok: true, path: request.path, id: 7 }`},
		{"response", `json(#{ ok: true }).status(201)`},
		{"body", `let b = request.json(); #{ sum: b.a + b.b, name: b.name }`},
		{"function", "fn greet(name) { `Hello, ${name}!` }\ngreet(request.query.name)"},
		{"refused", `throw http_error(404, "no such order")`},
	} {
		b.Run(c.name, func(b *testing.B) {
			bn := newBench(b, New(Config{}))
			start := bn.start(c.script, func(s *invoke.Start) {
				s.Request.Query = "name=Ada"
				s.Request.Body = []byte(`{"a":1,"b":2,"name":"Ada"}`)
			})
			want := store.StatusOK
			b.ReportAllocs()
			for b.Loop() {
				if res, err := bn.exec.Run(b.Context(), start, bn.host); err != nil || res.Status != want {
					b.Fatal(res.Status, res.Error, err)
				}
			}
		})
	}
}
