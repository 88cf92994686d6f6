package executor

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/trial"
	"github.com/picloud/picloud/rhai"
)

const trialReferenceFile = "../../docs/rhai/testing.md"

// echoing is an app that answers what it is asked.
type echoing struct{ delivered []string }

func (a *echoing) Serve(_ context.Context, r *http.Request) trial.Answer {
	return trial.Answer{Status: 200, Body: []byte(r.Method + " " + r.URL.RequestURI())}
}

func (a *echoing) Scripts() []string { return []string{"broken", "mailer", "ok", "other"} }

func (a *echoing) Deliver(_ context.Context, script string, batch bool, events []invoke.Event) (*invoke.Result, error) {
	for _, e := range events {
		a.delivered = append(a.delivered, script+" "+e.Kind+" "+e.Source)
	}
	if script == "broken" {
		return &invoke.Result{Status: store.StatusError, Error: "Runtime error: no (line 1, position 1)"}, nil
	}
	return &invoke.Result{Status: store.StatusOK}, nil
}

// trialBench runs scripts as tests, each with a trial of its own.
func trialBench(t *testing.T, src string) (*invoke.Result, *trial.Trial, *echoing) {
	t.Helper()
	state, app := trial.New(), &echoing{}
	state.App = app
	b := newBench(t, New(Config{HTTP: state, Now: state.Now, Trial: state}))
	host := &trial.Host{Trial: state, Data: memory.New(), AppID: "app", From: b.host.Source}
	res, err := b.exec.Run(t.Context(), b.start(src, nil), host)
	if err != nil {
		t.Fatal(err)
	}
	return res, state, app
}

// The page about tests is written from the registrations; BLESS=1 rewrites it.
func TestTrialReference(t *testing.T) {
	want := New(Config{}).TrialReference()
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(trialReferenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(trialReferenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the registrations: BLESS=1 go test ./internal/executor -run TestTrialReference rewrites it", trialReferenceFile)
	}
}

// Every function of tests is documented, and its example gives what it says.
func TestTrialExamples(t *testing.T) {
	s := &trialScripts{Trial: trial.New()}
	check := func(prefix string, f *rhai.Native) {
		code, want := example(f)
		if f.Doc == "" || f.Returns == "" || want == "" {
			t.Errorf("%s%s is not documented", prefix, f.Name)
			return
		}
		res, _, _ := trialBench(t, "json({ "+code+" })")
		if got := string(res.Response.Body); got != want {
			t.Errorf("%s%s: %s\n got %s (%s)\nwant %s", prefix, f.Name, code, got, res.Error, want)
		}
	}
	for _, f := range s.asserts() {
		check("", f)
	}
	for _, f := range s.module().Functions() {
		check("test::", f)
	}
}

func TestAssertions(t *testing.T) {
	for src, want := range map[string]trial.Failure{
		`assert(1 > 2)`:                                {Message: "assert: the condition does not hold"},
		`assert(false, "no tea")`:                      {Message: "assert: no tea"},
		`fail("oh")`:                                   {Message: "oh"},
		`assert_eq(1, "1")`:                            {Message: "assert_eq: the values differ", Compared: true, Actual: "1", Expected: `"1"`},
		`assert_eq([1], [2], "the list")`:              {Message: "assert_eq: the list", Compared: true, Actual: "[1]", Expected: "[2]"},
		`assert_ne(2, 1 + 1)`:                          {Message: "assert_ne: both are 2"},
		`assert_throws(|| 1)`:                          {Message: "assert_throws: nothing was thrown"},
		`assert_throws(|| throw "tea", "coffee")`:      {Message: "assert_throws: something else was thrown", Compared: true, Expected: "…coffee…", Actual: "tea"},
		`assert_eq(|| 1, || 1)`:                        {Message: "assert_eq: the values differ", Compared: true},
		`assert_eq("x".to_chars()[0], "y")`:            {Message: "assert_eq: the values differ", Compared: true, Actual: "'x'", Expected: `"y"`},
		`fn f() { assert_eq(1, 2) } assert(true); f()`: {Message: "assert_eq: the values differ", Compared: true, Actual: "1", Expected: "2", Column: 10},
	} {
		res, state, _ := trialBench(t, src)
		f := state.Failure()
		if f == nil || res.Status != store.StatusError || !strings.Contains(res.Error, want.Message) {
			t.Errorf("%s: %s %s", src, res.Status, res.Error)
			continue
		}
		if want.Column == 0 {
			want.Column = 1
		}
		want.Line = 1
		if want.Compared && want.Actual == "" {
			want.Actual, want.Expected = f.Actual, f.Expected
		}
		if *f != want {
			t.Errorf("%s\n got %+v\nwant %+v", src, *f, want)
		}
	}
}

func TestTrialMistakes(t *testing.T) {
	for src, want := range map[string]string{
		`test::get("hello")`:                                                           `"hello" is no path: it begins with /`,
		`test::get("/x", #{ timeout: 1 })`:                                             `there is no option "timeout": there are headers, query, json, form and body`,
		`test::event("mailer", #{ paylaod: 1 })`:                                       `an event has no field "paylaod": there are payload, kind, source, id, attempt and time`,
		`test::event("mailer", #{ attempt: 0 })`:                                       `the field attempt of an event is a whole number from 1 up, not 0`,
		`test::event("broken", #{})`:                                                   `broken.rhai: Runtime error: no`,
		`test::batch("mailer", [])`:                                                    `there is no event in it`,
		`test::batch("mailer", [1])`:                                                   `an event is a map`,
		`test::stub("GET", "/x", #{})`:                                                 `takes a method or *`,
		`test::stub("GET", "https://x/", 1)`:                                           `the answer is a map`,
		`test::stub("GET", "https://x/", #{ status: 99 })`:                             `test::stub: the field status of the answer is a whole number from 200 to 599, not 99`,
		`test::stub("GET", "https://x/", #{ headers: #{ "a b": 1 } })`:                 `is not the name of a header`,
		`http::get("https://x.example/a?b=c")`:                                         `no stub answers GET https://x.example/a?b=c: add one with test::stub("GET", "https://x.example/a?b=c", #{ json: … })`,
		`test::stub("GET", "https://x/", #{ error: "down" }); http::get("https://x/")`: `http::get: down`,
		`test::stub("GET", "https://x/", |c| 1); http::get("https://x/")`:              `answers the app's scripts only`,
		`test::set_time("noon")`:                                                       `is a number of milliseconds since 1970`,
		`test::advance("1h")`:                                                          `takes a number of seconds`,
		`test::advance(-5)`:                                                            `takes a number of seconds, 0 or more`,
		`test::deliver("q", "nosuch")`:                                                 `there is no script "nosuch"`,
		`test::deliver_topic("q", "nosuch")`:                                           `there is no script "nosuch"`,
		`test::set_variable("a b", "")`:                                                ``,
		`secret::get("NOPE")`:                                                          `the app has no secret NOPE`,
	} {
		res, _, _ := trialBench(t, src)
		if res.Status != store.StatusError || !strings.Contains(res.Error, want) {
			t.Errorf("%s: %s %s, want %s", src, res.Status, res.Error, want)
		}
	}
}

func TestStubsFit(t *testing.T) {
	res, state, _ := trialBench(t, `
		test::stub("*", "https://a.example/*", #{ body: "any" });
		test::stub("GET", "https://a.example/x", #{ body: "x", headers: #{ "x-n": 1 } });
		test::stub("GET", "https://a.example/x?n=2", #{ status: 404 });
		test::stub("POST", "*/up*", #{ json: [1] });
		let said = [];
		for u in ["/x", "/x?n=1", "/x?n=2", "/y"] { let r = http::get("https://a.example" + u); said.push([r.status, r.body]); }
		said.push(http::post("https://b.example/v1/up/load", #{ k: 1 }).json());
		said.push(test::calls()[4].body);
		said`)
	if got, want := string(res.Response.Body), `[[200,"x"],[200,"x"],[404,""],[200,"any"],[1],"{\"k\":1}"]`; got != want {
		t.Errorf("got %s (%s)\nwant %s", got, res.Error, want)
	}
	if len(state.Calls()) != 5 {
		t.Errorf("%d calls", len(state.Calls()))
	}
}

// A key with a time to live goes when the clock has moved on, also for the test that
// has set it just before.
func TestTrialTimeToLive(t *testing.T) {
	res, _, _ := trialBench(t, `
		let said = [];
		kv::set("a", 1, #{ ttl: 60 });
		test::advance(59); said.push(kv::get("a"));
		test::advance(1); said.push(kv::get("a"));
		kv::set("b", 1, #{ ttl: 60 });
		test::set_time("2027-01-01T00:00:00Z"); said.push(kv::get("b"));
		said`)
	if got, want := string(res.Response.Body), `[1,null,null]`; got != want {
		t.Errorf("got %s (%s)\nwant %s", got, res.Error, want)
	}
}

// A message stays until it is delivered without an error; one that is due later
// waits for the clock; an idempotency key counts for a day.
func TestTrialDeliveries(t *testing.T) {
	res, _, app := trialBench(t, `
		queue::send("q", 1); queue::send("q", 2, #{ delay: 60 }); queue::send("q", 3, #{ idempotency_key: "k" });
		let said = [];
		said.push(assert_throws(|| test::deliver("q", "broken"), "broken.rhai"));
		said.push(test::messages("q")[0].failed);
		said.push(test::deliver("q", "ok"));
		said.push(test::deliver("q", "ok"));
		test::advance(60);
		said.push(test::deliver("q", "ok"));
		queue::send("q", 3, #{ idempotency_key: "k" });
		said.push(test::sent("q").len());
		test::advance(86400);
		queue::send("q", 3, #{ idempotency_key: "k" });
		said.push(test::sent("q").len());
		topic::publish("a.b", 1); topic::publish("c", 2); topic::publish("a.c", 3);
		said.push([test::deliver_topic("a.*", "ok"), test::deliver_topic(">", "other"), test::deliver_topic("a.*", "other"), test::deliver_topic("a.*", "ok")]);
		said`)
	want := `["broken.rhai: Runtime error: no (line 1, position 1)",1,2,0,1,3,4,[2,3,2,0]]`
	if got := string(res.Response.Body); got != want {
		t.Errorf("got %s (%s)\nwant %s", got, res.Error, want)
	}
	if got := strings.Join(app.delivered, ","); !strings.HasPrefix(got, "broken queue q,ok queue q,ok queue q,ok queue q,ok topic a.b,ok topic a.c,other topic a.b,other topic c,other topic a.c,other topic a.b") {
		t.Errorf("delivered %s", got)
	}
}
