package executor

import (
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// keeper is an executor whose scripts can call keep(), which changes a key.
func keeper() *Executor {
	e := New(Config{})
	e.engine.Register(&rhai.Native{
		Name: "keep", Params: params(textParam("key")), Returns: "()", Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := runOf(c.Context())
			r.unit.Ops = append(r.unit.Ops, invoke.Op{Kind: invoke.OpDelete, Key: text(c, 0)})
			return rhai.Unit(), nil
		},
	})
	return e
}

// What a run wants changed is committed once, at its normal end, before the
// answer leaves.
func TestCommit(t *testing.T) {
	b := newBench(t, keeper())
	b.host.outcome = invoke.Outcome{Verdict: invoke.Committed}
	if res := b.run(`keep("a"); keep("b"); 1`, nil); answer(res) != "200 application/json 1" {
		t.Errorf("got %s (%s)", answer(res), res.Error)
	}
	if len(b.host.commits) != 1 {
		t.Fatalf("%d commits", len(b.host.commits))
	}
	if c := b.host.commits[0]; c.RunID == "" || c.Seq != 1 || len(c.Ops) != 2 || c.Ops[1].Key != "b" {
		t.Errorf("committed %+v", c)
	}
	b.host.commits = nil
	for _, src := range []string{`1`, `keep("a"); throw "x"`, `keep("a"); throw http_error(404)`, `keep("a"); || 1`} {
		b.run(src, nil)
		if len(b.host.commits) != 0 {
			t.Errorf("%s: committed %+v", src, b.host.commits)
		}
	}
}

func TestCommitRefused(t *testing.T) {
	for verdict, want := range map[invoke.Verdict]struct {
		status store.Status
		http   int
	}{
		invoke.Conflict:    {store.StatusError, 409},
		invoke.Quota:       {store.StatusLimit, 507},
		invoke.Unavailable: {store.StatusError, 503},
		invoke.LeaseLost:   {store.StatusError, 503},
	} {
		b := newBench(t, keeper())
		b.host.outcome = invoke.Outcome{Verdict: verdict, Detail: "because"}
		res := b.run(`keep("a"); 1`, nil)
		if res.Status != want.status || res.Response.Status != want.http || res.Error == "" || len(b.host.commits) != 1 {
			t.Errorf("%v: %s, %d, %q", verdict, res.Status, res.Response.Status, res.Error)
		}
	}
}

// Why a commit was not made is one sentence, whatever the store wraps it in.
func TestCommitErrors(t *testing.T) {
	for _, x := range []struct {
		verdict      invoke.Verdict
		detail, want string
	}{
		{invoke.Refused, `key "t": invalid: what it holds is no integer, so nothing can be added`, `the changes were not made: what key "t" holds is no integer, so nothing can be added`},
		{invoke.Refused, `key "max": invalid: 1 + 2 is more than an integer holds`, `the changes were not made: of key "max", 1 + 2 is more than an integer holds`},
		{invoke.Refused, "invalid: the message would be number 17 of a chain", "the changes were not made: the message would be number 17 of a chain"},
		{invoke.Quota, "the app's quota is used up: with this 8 messages of the app would wait, at most 7 may", "the app has no room for the changes: with this 8 messages of the app would wait, at most 7 may"},
		{invoke.Conflict, `key "a\": b": the data have changed meanwhile`, `the changes were not made, because key "a\": b" has changed meanwhile`},
		{invoke.Conflict, "the data have changed meanwhile", "the changes were not made, because what was read has changed meanwhile"},
		{invoke.Unavailable, "EOF", "whether the changes were made is not known: EOF"},
	} {
		if got := (&commitError{outcome: invoke.Outcome{Verdict: x.verdict, Detail: x.detail}}).Error(); got != x.want {
			t.Errorf("%v %s\n got %s\nwant %s", x.verdict, x.detail, got, x.want)
		}
	}
}

// Every call of a host function passes the hook; those of the language do not.
func TestHook(t *testing.T) {
	e := keeper()
	e.engine.Register(&rhai.Native{
		Name: "calls", Returns: "int", Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) { return rhai.Int(runOf(c.Context()).calls), nil },
	})
	b := newBench(t, e)
	b.host.outcome = invoke.Outcome{Verdict: invoke.Committed}
	if res := b.run(`keep("a"); let a = [1]; a.push(2); hex::encode("x"); request.path; calls()`, nil); answer(res) != "200 application/json 4" {
		t.Errorf("got %s (%s)", answer(res), res.Error)
	}
}
