package executor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/value"
)

// published is what the commits so far publish: "topic=payload".
func (b *bench) published() string {
	b.t.Helper()
	var out []string
	for i, c := range b.host.commits {
		if i > 0 {
			out = append(out, "|")
		}
		for _, p := range c.Publishes {
			v, err := value.Decode(p.Payload, nil)
			if err != nil {
				b.t.Fatal(err)
			}
			out = append(out, p.Topic+"="+v.Repr())
		}
	}
	return strings.Join(out, " ")
}

// What is published goes with the run's other changes: at its end, in their
// order, types kept, or not at all.
func TestPublish(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		for _, c := range []struct{ script, answer, published string }{
			{`topic::publish("orders.created", #{ id: 7, price: 1.0 })`, "204", `orders.created=#{"id": 7, "price": 1.0}`},
			{`topic::publish("b", 'x'); topic::publish("a", ()); kv::set("k", 1); topic::publish("b", 2)`, "204", `b='x' a=() b=2`},
			{`topic::publish("a", 1); throw http_error(422, "no")`, "422", ``},
			{`topic::publish("a", 1); kv::flush(); topic::publish("a", 2); throw http_error(422, "no")`, "422", `a=1`},
			{`topic::publish("a", 1); kv::transaction(|| { topic::publish("b", 2); kv::set("k", 3) }); topic::publish("c", 3)`, "204", `a=1 | b=2 | c=3`},
			{`try { kv::transaction(|| { topic::publish("b", 2); throw "no" }) } catch { topic::publish("c", 3) }`, "204", `c=3`},
			{`let m = (); try { topic::publish("a", || 1) } catch (e) { m = e } m`, "200 text/plain; charset=utf-8 a value of type Fn cannot be stored", ``},
			{`let m = (); try { topic::publish("a b", 1) } catch (e) { m = e } m`, `200 text/plain; charset=utf-8 topic::publish: the topic "a b" contains ' '`, ``},
			{`let m = (); try { topic::publish("a.*", 1) } catch (e) { m = e } m`, `200 text/plain; charset=utf-8 topic::publish: a topic has no wildcards`, ``},
		} {
			b.host.commits = nil
			res := b.run(c.script, nil)
			if got := answer(res); !strings.HasPrefix(got, c.answer) {
				t.Errorf("%s: answered %s (%s), want %s", c.script, got, res.Error, c.answer)
			}
			if got := b.published(); got != c.published {
				t.Errorf("%s: published %s, want %s", c.script, got, c.published)
			}
		}
	})
}

func TestPublishTooMuch(t *testing.T) {
	b := newBench(t, New(Config{}))
	for script, want := range map[string]int{
		fmt.Sprintf(`for i in 0..%d { topic::publish("a", i) }`, maxUnitMessages):                                                 204,
		fmt.Sprintf(`for i in 0..=%d { topic::publish("a", i) }`, maxUnitMessages):                                                500,
		fmt.Sprintf(`for i in 0..=%d { if i == %d { kv::flush() } topic::publish("a", i) }`, maxUnitMessages, maxUnitMessages):    204,
		`let s = "x"; for i in 0..19 { s += s } for i in 0..40 { topic::publish("a", s) }`:                                        500,
		`let s = "x"; for i in 0..19 { s += s } for i in 0..40 { kv::set("k" + i % 2, s); if i < 20 { topic::publish("a", s) } }`: 204,
	} {
		b.host.commits = nil
		if res := b.run(script, func(s *invoke.Start) { s.Limits.MemoryBytes = 64 << 20 }); res.Response.Status != want {
			t.Errorf("%s: %s (%s), want %d", script, answer(res), res.Error, want)
		}
	}
}
