package rhai
import ("testing";"os";"context")
func BenchmarkZZ15(b *testing.B) {
	src, _ := os.ReadFile("/work/shared/rhai/bench/15_tiny_expr.rhai")
	p, _ := NewEngine().Compile("", string(src))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ { p.Run(context.Background(), nil) }
}
