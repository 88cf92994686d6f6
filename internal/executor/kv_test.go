package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// keep puts a value of the script's into the data, beside all runs.
func (b *bench) keep(key string, v rhai.Value) {
	b.t.Helper()
	raw, err := value.Encode(v)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.host.data.Commit(b.t.Context(), store.Commit{AppID: "app", At: time.Now(), Ops: []store.KVOp{{Kind: store.KVSet, Key: key, Value: raw}}}); err != nil {
		b.t.Fatal(err)
	}
}

// kept shows all data as "key=value key=value".
func (b *bench) kept() string {
	b.t.Helper()
	entries, _, err := b.host.data.KVList(b.t.Context(), store.KVQuery{AppID: "app", Limit: 1000}, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		v, err := value.Decode(e.Value, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, e.Key+"="+v.Repr())
	}
	return strings.Join(out, " ")
}

// Values keep their types, over both carriers, from one run to the next.
func TestKVKeepsTypes(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		for i, v := range []string{`()`, `true`, `1`, `1.0`, `'x'`, `"text"`, `blob(3, 7)`, `[1, [2.5, 'y']]`, `#{ a: #{ b: () } }`, `1..3`, `1..=3`} {
			key := fmt.Sprintf("k%d", i)
			b.run(fmt.Sprintf("kv::set(%q, %s)", key, v), nil)
			got := b.run(fmt.Sprintf("let v = kv::get(%q); `${type_of(v)} ${to_debug(v)}`", key), nil)
			want := b.run(fmt.Sprintf("let v = %s; `${type_of(v)} ${to_debug(v)}`", v), nil)
			if answer(got) != answer(want) {
				t.Errorf("%s: got %s (%s), want %s", v, answer(got), got.Error, answer(want))
			}
		}
		want := "the value nests deeper"
		if res := b.run(`let a = 1; for i in 0..300 { a = [a] } kv::set("a", a)`, nil); !strings.Contains(res.Error, want) {
			t.Errorf("%s, want %s", res.Error, want)
		}
	})
}

// A run sees its own changes; others do not until its end.
func TestKVOwnWrites(t *testing.T) {
	b := newBench(t, New(Config{}))
	for _, c := range []struct{ script, want, kept string }{
		{`kv::set("a", 1); kv::get("a")`, "1", "a=1"},
		{`kv::delete("a"); kv::get("a", "none")`, `none`, ""},
		{`kv::add("n", 2); kv::add("n", 3); kv::get("n")`, "5", "n=5"},
		{`kv::add("n", 1); let x = kv::get("n"); kv::add("n", 1); [x, kv::get("n")]`, "[6,7]", "n=7"},
		{`kv::set("n", 10); kv::add("n", 1); kv::get("n")`, "11", "n=11"},
		{`kv::delete("n"); kv::add("n", 1); kv::get("n")`, "1", "n=1"},
		{`[kv::increment("n"), kv::increment("n", 5), kv::get("n")]`, "[2,7,7]", "n=7"},
		{
			`kv::delete("n"); [kv::compare_and_set("c", (), 1), kv::compare_and_set("c", (), 2), kv::compare_and_set("c", 1, 1.0), kv::compare_and_set("c", 1, 2), kv::get("c")]`,
			"[true,false,true,false,1.0]", "c=1.0",
		},
		{ // A lock that is released by setting () can be taken again.
			`kv::compare_and_set("lock", (), 1); [kv::compare_and_set("lock", 1, ()), kv::get("lock"), kv::compare_and_set("lock", (), 2), kv::compare_and_set("lock", (), 3)]`,
			"[true,null,true,false]", "c=1.0 lock=2",
		},
		{`kv::set("lock", ())`, "", "c=1.0 lock=()"},
		{`kv::compare_and_set("lock", (), 4)`, "true", "c=1.0 lock=4"},
		{`kv::delete("lock"); kv::delete("c"); for i in 0..5 { kv::set("l/" + i, i) } kv::delete("l/2"); kv::list("l/").items.map(|e| e.value)`, "[0,1,3,4]", "l/0=0 l/1=1 l/3=3 l/4=4"},
		{
			`kv::delete("l/0"); kv::set("l/2", 2); kv::set("m", 1); kv::add("l/3", 10);
			let out = []; let page = kv::list("l/", #{ limit: 2 });
			loop { out.push(page.items.map(|e| e.value)); if page.cursor == () { break } page = kv::list("l/", #{ limit: 2, cursor: page.cursor }); } out`,
			"[[1],[2,13],[4]]", "l/1=1 l/2=2 l/3=13 l/4=4 m=1",
		},
		{`for e in kv::list("").items { kv::delete(e.key) } kv::list("")`, `{"cursor":null,"items":[]}`, ""},
		{`let a = [1]; kv::set("a", a); a.push(2); [a, kv::get("a")]`, "[[1,2],[1]]", "a=[1]"},
		{`let d = [1]; let g = kv::get("none", d); g.push(2); kv::delete("a"); [d, g]`, "[[1],[1,2]]", ""},
	} {
		res := b.run(c.script, nil)
		if got := string(res.Response.Body); got != c.want {
			t.Errorf("%s\n got %s (%s)\nwant %s", c.script, got, res.Error, c.want)
		}
		if got := b.kept(); got != c.kept {
			t.Errorf("%s\nkept %s\nwant %s", c.script, got, c.kept)
		}
	}
}

func TestKVRefuses(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.keep("text", rhai.String("x"))
	for script, want := range map[string]string{
		`kv::set("", 1)`: "the key is empty",
		`let k = "x"; k.pad(513, 'x'); kv::get(k)`:                                 "513 bytes long: at most 512",
		`kv::set("a\x00", 1)`:                                                      "contains U+0000",
		`kv::set("a", |x| x)`:                                                      "type Fn cannot be stored",
		`kv::set("a", request)`:                                                    "cannot be stored",
		`let s = "x"; s.pad(1048576, 'x'); kv::set("a", s)`:                        "more than 1048576 bytes",
		`kv::set("a", 1, #{ ttl: 0 })`:                                             "greater than 0",
		`kv::set("a", 1, #{ ttl: "1" })`:                                           "a number of seconds",
		`kv::set("a", 1, #{ expires: 1 })`:                                         `no option "expires"`,
		`kv::list("", #{ limit: 1001 })`:                                           "the option limit of kv::list is a whole number from 1 to 1000, not 1001",
		`kv::list("", #{ limt: 1 })`:                                               `kv::list has no option "limt": there are limit and cursor`,
		`kv::list("", #{ cursor: 1 })`:                                             "the option cursor of kv::list is that of the page before, or (), not 1",
		`kv::increment("text")`:                                                    `"text" holds no integer`,
		`kv::add("text", 1); kv::get("text")`:                                      `"text" holds no integer`,
		`kv::add("text", 1)`:                                                       `what key "text" holds is no integer`,
		`kv::set("n", 9223372036854775807); kv::add("n", 1)`:                       "more than an integer holds",
		`kv::transaction(|| kv::flush())`:                                          "at its end",
		`for i in 0..10001 { kv::add("k" + i, 1) }`:                                "10000 changes or 16 MiB",
		`let s = "x"; s.pad(1000000, 'x'); for i in 0..17 { kv::set("k" + i, s) }`: "10000 changes or 16 MiB",
	} {
		res := b.run(script, nil)
		if !strings.Contains(res.Error, want) || res.Status == store.StatusOK {
			t.Errorf("%s\n got %s %s\nwant %s", script, res.Status, res.Error, want)
		}
		if got := b.kept(); got != `text="x"` {
			t.Fatalf("%s: kept %s", script, got)
		}
	}
}

// What ends with an error changes nothing, what was flushed stays.
func TestKVFlush(t *testing.T) {
	b := newBench(t, New(Config{}))
	if res := b.run(`kv::set("a", 1); kv::flush(); kv::set("b", 2); throw "no"`, nil); res.Status != store.StatusError {
		t.Errorf("got %s", res.Status)
	}
	if got := b.kept(); got != "a=1" {
		t.Errorf("kept %s", got)
	}
	b.host.commits = nil
	b.run(`kv::set("a", 2); kv::flush(); kv::flush(); kv::set("b", 2)`, nil)
	if len(b.host.commits) != 2 || b.host.commits[0].Seq != 1 || b.host.commits[1].Seq != 2 {
		t.Errorf("commits %+v", b.host.commits)
	}
	// A refusal can be caught: the run goes on without those changes.
	b.keep("t", rhai.String("x"))
	res := b.run(`kv::add("t", 1); kv::set("lost", 1); try { kv::flush(); } catch (e) { kv::set("caught", e.contains("were not made")); }`, nil)
	if got := b.kept(); got != `a=2 b=2 caught=true t="x"` {
		t.Errorf("kept %s (%s)", got, res.Error)
	}
}

// After a commit of unknown outcome nothing more is committed, whatever the
// script catches: the answer is 503.
func TestKVUnknownOutcome(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		b.host.outcome = invoke.Outcome{Verdict: invoke.Unavailable, Detail: "EOF"}
		for _, script := range []string{
			`kv::set("a", 1)`,
			`kv::set("a", 1); try { kv::flush(); } catch {} kv::set("b", 1); "fine"`,
			`kv::set("a", 1); try { kv::flush(); } catch {} throw http_error(404)`,
			`try { kv::transaction(|| kv::set("a", 1)); } catch {} "fine"`,
		} {
			b.host.commits = nil
			res := b.run(script, nil)
			if res.Response.Status != 503 || len(b.host.commits) != 1 {
				t.Errorf("%s: %d after %d commits (%s)", script, res.Response.Status, len(b.host.commits), res.Error)
			}
		}
	})
}

// Two runs that read the same number and write the next: with a transaction
// both count, without it kv::increment tells the second.
func TestKVConflicts(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.keep("n", rhai.Int(0))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				res, err := b.exec.Run(context.Background(), b.start(`let tries = 0; kv::transaction(|| { tries += 1; let n = kv::get("n"); kv::set("n", n + 1); tries }) == 1 && tries == 1`, nil), b.host)
				if err != nil || string(res.Response.Body) != "true" {
					t.Errorf("%s: the captured variable is not put back (%s)", res.Response.Body, res.Error)
				}
			}
		})
	}
	wg.Wait()
	if got := b.kept(); got != "n=40" {
		t.Errorf("kept %s", got)
	}
}

// meddler is a host on which somebody else changes n after each of the first
// reads.
type meddler struct {
	*sources
	b     *bench
	times int
}

func (m *meddler) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	got, err := m.sources.Get(ctx, keys)
	if m.times > 0 {
		m.times--
		m.b.keep("n", rhai.Int(int64(100-m.times)))
	}
	return got, err
}

func TestKVMeddling(t *testing.T) {
	for _, c := range []struct {
		script string
		times  int
		want   string
		kept   string
	}{
		{`kv::increment("n")`, 1, "409", "n=100"},
		{`kv::set("seen", kv::get("n"))`, 1, "204", "n=100 seen=1"},
		{`kv::compare_and_set("n", 1, 2)`, 1, "409", "n=100"},
		{`kv::compare_and_set("n", 7, 2)`, 1, "200 false", "n=100"},
		{`kv::transaction(|| kv::increment("n"))`, 3, "200 101", "n=101"},
		{`kv::set("before", 1); let log = []; kv::transaction(|| { log.push(kv::get("n")); kv::set("n", log) }); log`, 2, "200 [100]", "before=1 n=[100]"},
		// Read twice is read once: the commit tells.
		{`kv::transaction(|| [kv::get("n"), kv::get("n")])`, 1, "200 [100,100]", "n=100"},
		// What was thrown after a stale read does not count …
		{`kv::transaction(|| { if kv::get("n") == 1 { throw "stale" } kv::set("ok", 1) })`, 1, "204", "n=100 ok=1"},
		// … after a true one it does, and undoes the transaction alone.
		{`kv::set("a", 1); try { kv::transaction(|| { kv::set("b", 1); if kv::get("n") == 100 { throw "true" } }) } catch (e) { kv::set("c", e) }`, 1, "204", `a=1 c="true" n=100`},
		{`kv::transaction(|| kv::transaction(|| kv::increment("n")) + 1)`, 1, "200 102", "n=101"},
		{`kv::transaction(|| { kv::increment("n"); exit(kv::get("n")) }); "not here"`, 1, "200 101", "n=101"},
		{`kv::transaction(|| kv::increment("n"))`, 1000, "409", "n=*"},
	} {
		b := newBench(t, New(Config{}))
		b.keep("n", rhai.Int(1))
		res, err := b.exec.Run(t.Context(), b.start(c.script, nil), &meddler{b.host, b, c.times})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(res.Response.Status)
		if res.Response.Status == 200 {
			got += " " + string(res.Response.Body)
		}
		kept := b.kept()
		if got != c.want || kept != c.kept && c.kept != "n=*" {
			t.Errorf("%s\n got %s (%s), kept %s\nwant %s, kept %s", c.script, got, res.Error, kept, c.want, c.kept)
		}
	}
}

// An event's run commits everything at its end, and what it read is checked.
func TestKVOfEvents(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.keep("n", rhai.Int(1))
	event := func(s *invoke.Start) {
		s.Request, s.Trigger, s.Event = nil, "queue", &invoke.Event{ID: "e", Kind: "queue"}
	}
	b.run(`kv::transaction(|| kv::set("a", kv::get("n"))); kv::get("b"); kv::list("n")`, event)
	if len(b.host.commits) != 1 || len(b.host.commits[0].Reads) != 2 || b.kept() != "a=1 n=1" {
		t.Errorf("commits %+v, kept %s", b.host.commits, b.kept())
	}
	if res := b.run(`kv::flush()`, event); !strings.Contains(res.Error, "acknowledgement") {
		t.Errorf("got %s", res.Error)
	}
}

func TestKVTTL(t *testing.T) {
	b := newBench(t, New(Config{}))
	before := time.Now()
	b.run(`kv::set("a", 1, #{ ttl: 60 }); kv::set("b", 1, #{ ttl: 0.5 })`, nil)
	for _, op := range b.host.commits[0].Ops {
		want := map[string]time.Duration{"a": time.Minute, "b": 500 * time.Millisecond}[op.Key]
		if got := op.Expires.Sub(before); got < want-time.Millisecond || got > want+time.Minute {
			t.Errorf("%s goes after %v, want %v", op.Key, got, want)
		}
	}
}

// What cannot be read ends the run, and nothing is committed.
func TestKVUnreadable(t *testing.T) {
	b := newBench(t, New(Config{}))
	res, err := b.exec.Run(t.Context(), b.start(`kv::set("a", 1); try { kv::get("b"); } catch {} "fine"`, nil), unreadable{b.host})
	if err != nil || res.Response.Status != 503 || len(b.host.commits) != 0 || !strings.Contains(res.Error, "cannot be read: disk on fire") {
		t.Errorf("got %d (%s) after %d commits, %v", res.Response.Status, res.Error, len(b.host.commits), err)
	}
}

type unreadable struct{ *sources }

func (unreadable) Get(context.Context, []string) ([]invoke.Entry, error) {
	return nil, errors.New("disk on fire")
}

// The wall time ends a script that waits for its data.
func TestKVWaits(t *testing.T) {
	b := newBench(t, New(Config{}))
	start := b.start(`try { kv::get("a"); } catch {} 1`, func(s *invoke.Start) { s.Limits.WallTimeMS = 20 })
	res, err := b.exec.Run(t.Context(), start, waiting{b.host})
	if err != nil || res.Status != store.StatusTimeout {
		t.Errorf("got %s (%s), %v", res.Status, res.Error, err)
	}
}

type waiting struct{ *sources }

func (w waiting) Get(ctx context.Context, _ []string) ([]invoke.Entry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func BenchmarkKVGet(b *testing.B) {
	bn := newBench(b, New(Config{}))
	bn.keep("a", rhai.Int(1))
	start := bn.start(`kv::get("a")`, nil)
	for b.Loop() {
		if res, err := bn.exec.Run(b.Context(), start, bn.host); err != nil || res.Status != store.StatusOK {
			b.Fatal(res.Error, err)
		}
	}
}

// A transaction that throws leaves nothing behind, and what comes after it is
// done whole.
func TestAfterATransactionThatThrew(t *testing.T) {
	const threw = `try { kv::transaction(|| { kv::set("a", 1); throw "no" }) } catch {} `
	for _, c := range []struct{ script, want, kept string }{
		{`kv::get("a")`, `204`, ``},
		{`kv::set("a", 5); kv::get("a")`, `200 application/json 5`, `a=5`},
		{`kv::set("b", 7); kv::set("a", 5); [kv::get("a"), kv::get("b")]`, `200 application/json [5,7]`, `a=5 b=7`},
		{`kv::set("b", 7); [kv::get("a"), kv::get("b")]`, `200 application/json [null,7]`, `b=7`},
	} {
		onBoth(t, Config{}, func(t *testing.T, b *bench) {
			res := b.run(threw+c.script, nil)
			if res.Status != store.StatusOK || answer(res) != c.want || b.kept() != c.kept {
				t.Errorf("%s: %s %s, answered %s, kept %q", c.script, res.Status, res.Error, answer(res), b.kept())
			}
		})
	}
}

// A message is not to blame when the database does not answer its handler.
func TestARunThatCannotReadMayBeTriedAgain(t *testing.T) {
	b := newBench(t, New(Config{}))
	start := b.start(`kv::get("a")`, func(s *invoke.Start) {
		s.Request = nil
		s.Event = &invoke.Event{ID: "m", Kind: "queue", Payload: value.EncodeInt(1)}
		s.Lease = &invoke.Lease{Token: "t", Messages: []string{"m"}}
	})
	res, err := b.exec.Run(t.Context(), start, unreadable{b.host})
	if err != nil || res.Status != store.StatusError || res.RetryAfter <= 0 {
		t.Errorf("%v, %s %q, to be tried again after %v", err, res.Status, res.Error, res.RetryAfter)
	}
}

// What the functions of PiCloud throw is a text, limits included; not caught, a
// limit stays one.
func TestErrorsAreTexts(t *testing.T) {
	for src, want := range map[string]string{
		`for i in 0..1001 { queue::send("q", i) }`:                     "the limit of 1000 messages or 16 MiB in one commit",
		`kv::set("t", "x"); kv::flush(); kv::add("t", 1); kv::flush()`: `what key "t" holds is no integer`,
		`json::parse("{")`: "not valid JSON",
		`kv::get("")`:      "the key is empty",
		`let a = []; for i in 0..600 { a = [a]; } kv::set("deep", a)`: "",
	} {
		b := newBench(t, New(Config{}))
		res := b.run(`let said = (); try { `+src+` } catch (e) { said = e } type_of(said) + " " + said`, nil)
		if got := string(res.Response.Body); !strings.HasPrefix(got, "string ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s %s", src, got, res.Error)
		}
	}
	b := newBench(t, New(Config{}))
	for src, want := range map[string]string{
		`for i in 0..1001 { queue::send("q", i) }`:                      "(kv::flush() makes what there is)",
		`kv::transaction(|| for i in 0..1001 { queue::send("q", i) })`:  "(a transaction makes one commit: use several)",
		`kv::transaction(|| for i in 0..10001 { kv::set("k" + i, i) })`: "(a transaction makes one commit: use several)",
	} {
		if res := b.run(src, nil); !strings.Contains(res.Error, want) {
			t.Errorf("%s: %s", src, res.Error)
		}
	}
	if res := b.run(`for i in 0..1001 { queue::send("q", i) }`, ofQueue(t, false, rhai.Unit())); !strings.Contains(res.Error, "let another message do the rest") {
		t.Errorf("an event: %s", res.Error)
	}
	if res := b.run(`for i in 0..1001 { queue::send("q", i) }`, nil); res.Status != store.StatusLimit || !strings.HasPrefix(res.Error, "exceeded the limit of 1000 messages") {
		t.Errorf("%s: %s", res.Status, res.Error)
	}
}
