package executor

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
	"github.com/picloud/picloud/internal/trial"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// trialScripts is what scripts that test others find beside everything else.
type trialScripts struct {
	*trial.Trial
	live *rhai.Call // the call during which the app runs: closures of stubs are called by it
}

// function is a function of the module test.
func (t *trialScripts) function(name string, p []rhai.Param, returns, doc, example string, f func(*rhai.Call, *run) (rhai.Value, error)) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: p, Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := runOf(c.Context())
			if r == nil {
				return rhai.Value{}, throw("there are no tests outside an execution")
			}
			return f(c, r)
		},
	}
}

// app lets the app run: it sees what the test has changed so far, and stubs may
// call the test's closures.
func (t *trialScripts) app(c *rhai.Call, r *run, f func() error) error {
	if err := r.flush(); err != nil {
		return err
	}
	before := t.live
	t.live = c
	defer func() { t.live = before }()
	return f()
}

// setClock sets the clock, after what the test has changed so far is made: a key
// that the test set with a time to live is gone for the test, too, when that is over.
func (t *trialScripts) setClock(r *run, at time.Time) error {
	if err := r.flush(); err != nil {
		return err
	}
	t.SetNow(at)
	return nil
}

func (t *trialScripts) module() *rhai.Module {
	path, body, options, queue := textParam("path"), anyParam("body"), param("options", rhai.TMap), textParam("queue")
	m := rhai.NewModule("test").Describe("What a test works on: an app of its own, which nothing but the test has used. " +
		"What the test changes through `kv` the app's scripts see with the next request or event.")
	request := func(name string, p []rhai.Param, doc, example string) {
		at, method := 0, strings.ToUpper(name)
		if name == "request" {
			at, method = 1, ""
		}
		m.Register(t.function(name, p, "HttpResponse", doc, example, func(c *rhai.Call, r *run) (rhai.Value, error) {
			q := &httpCall{call: c, name: "test::" + name, method: method, url: text(c, at), body: rhai.Unit(), inside: true}
			if method == "" {
				q.method = text(c, 0)
			}
			rest := c.Args()[at+1:]
			if len(p) > at+1 && p[at+1].Name == "body" {
				q.body, rest = rest[0], rest[1:]
			}
			if len(rest) > 0 {
				q.options = rest[0]
			}
			return t.request(c, r, q)
		}))
	}
	request("get", params(path), "Asks the app for a path, as a browser would ask `http://app.localhost`.", `test::get("/hello").status // 200`)
	request("get", params(path, options), "The same with options: `headers` and `query`, maps.", `test::get("/hello", #{ query: #{ name: "Ada" } }).body // "GET /hello?name=Ada"`)
	for _, name := range []string{"post", "put", "patch"} {
		request(name, params(path, body), "Sends `body` to a path: text and blobs as they are, anything else as JSON.", fmt.Sprintf(`test::%s("/orders", #{ item: "tea" }).ok // true`, name))
		request(name, params(path, body, options), "The same with options.", fmt.Sprintf(`test::%s("/orders", "tea", #{ headers: #{ "x-key": "7" } }).ok // true`, name))
	}
	request("delete", params(path), "Deletes what is at a path.", `test::delete("/orders/7").ok // true`)
	request("request", params(textParam("method"), path, options), "A request with any method. Options: `headers`, `query`, and one of `json`, `form` and `body`.",
		`test::request("POST", "/login", #{ form: #{ user: "ada" } }).body // "POST /login"`)

	script, event := textParam("script"), param("event", rhai.TMap)
	m.Register(
		t.function("event", params(script, event), "()", "Runs a script with an event: `payload`, and if they matter `kind` (\"queue\"), `source`, `attempt` (1), `id` and `time` (milliseconds). An error of the script is thrown.",
			`test::event("mailer", #{ source: "emails", payload: #{ to: "ada" } }) // null`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				e, err := t.event(c, c.Arg(1))
				if err != nil {
					return rhai.Value{}, err
				}
				return rhai.Unit(), t.deliver(c, r, text(c, 0), false, []invoke.Event{e})
			}),
		t.function("batch", params(script, param("events", rhai.TArray)), "()", "Runs a script once with several events, as queues with a batch size do.",
			`test::batch("mailer", [#{ payload: 1 }, #{ payload: 2 }]) // null`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				list, _ := c.Arg(1).AsArray()
				if len(list) == 0 {
					return rhai.Value{}, throw("test::batch: there is no event in it")
				}
				var events []invoke.Event
				for _, v := range list {
					e, err := t.event(c, v)
					if err != nil {
						return rhai.Value{}, err
					}
					events = append(events, e)
				}
				return rhai.Unit(), t.deliver(c, r, text(c, 0), true, events)
			}),
		t.function("deliver", params(queue, script), "int", "Runs a script with each message of a queue that is due and was not delivered yet, those included that it sends meanwhile, and returns how many these were. "+
			"An error of the script is thrown, and the message stays, for another attempt.",
			`queue::send("emails", "a"); queue::send("emails", "b"); test::deliver("emails", "mailer") // 2`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				return t.deliverAll(c, r, store.ChannelQueue, func() (trial.Message, func(error), bool) { return t.Take(text(c, 0)) })
			}),
		t.function("deliver_topic", params(textParam("pattern"), script), "int", "The same for what was published on topics that match a pattern: a subscription's events. Every script gets each for itself.",
			`topic::publish("orders.created", 7); test::deliver_topic("orders.*", "mailer") // 1`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				if err := topic.CheckPattern(text(c, 0)); err != nil {
					return rhai.Value{}, throw("test::deliver_topic: " + err.Error())
				}
				return t.deliverAll(c, r, store.ChannelTopic, func() (trial.Message, func(error), bool) {
					return t.Next(text(c, 0), text(c, 1), func(name string) bool { return topic.Match(text(c, 0), name) })
				})
			}),
		t.function("sent", params(queue), "array", "The payloads that were sent to a queue, in their order, also delivered ones.", `queue::send("emails", #{ to: "ada" }); test::sent("emails") // [{"to":"ada"}]`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				return messageValues(c, r, func() []trial.Message { return t.Sent(text(c, 0)) }, payloadOf)
			}),
		t.function("messages", params(queue), "array", "The messages that were sent to a queue: `payload`, `delay` (seconds), `idempotency_key`, `failed` (deliveries) and `delivered`.", `queue::send("emails", "a", #{ delay: 60 }); test::messages("emails")[0].delay // 60.0`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				return messageValues(c, r, func() []trial.Message { return t.Sent(text(c, 0)) }, func(c *rhai.Call, m *trial.Message) (rhai.Value, error) {
					v, err := payloadOf(c, m)
					if err == nil {
						err = c.Alloc(300)
					}
					return rhai.Map(map[string]rhai.Value{
						"payload": v, "delay": rhai.Float(m.DueAt.Sub(m.SentAt).Seconds()), "idempotency_key": rhai.String(m.IdempotencyKey),
						"failed": rhai.Int(int64(m.Failed)), "delivered": rhai.Bool(m.Delivered),
					}), err
				})
			}),
		t.function("published", params(textParam("topic")), "array", "The payloads that were published on a topic, in their order.", `topic::publish("orders.created", 7); test::published("orders.created") // [7]`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				return messageValues(c, r, func() []trial.Message { return t.Published(text(c, 0)) }, payloadOf)
			}),
		t.function("stub", params(textParam("method"), textParam("url"), anyParam("answer")), "()", "Answers calls by `http` to an address, in which `*` stands for any text; the method `*` is any. `answer` is a map of `status` (200), `headers`, and `json` or `body`, "+
			"or `error`, which the call throws; or a function that gets the call, a map, and returns such a map. The newest stub that fits answers. A call without a stub throws.",
			`test::stub("GET", "https://api.example.com/*", #{ json: #{ rate: 2 } }); http::get("https://api.example.com/rate?of=EUR").json().rate // 2`, t.stub),
		t.function("calls", nil, "array", "The calls by `http` so far: `method`, `url`, `headers` by their names in lower case, and `body`.", `test::calls().len // 0`,
			func(c *rhai.Call, _ *run) (rhai.Value, error) {
				var list []rhai.Value
				for _, call := range t.Calls() {
					v, err := callValue(c, call)
					if err != nil {
						return rhai.Value{}, err
					}
					list = append(list, v)
				}
				return rhai.Array(list), nil
			}),
		t.function("set_time", params(anyParam("time")), "()", "Sets the clock: milliseconds since 1970, or a text by RFC 3339. It stands still; a test begins at 2026-01-01T00:00:00Z.", `test::set_time("2026-03-01T12:00:00Z"); time::iso(time::now()) // "2026-03-01T12:00:00.000Z"`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				at, err := timeOf("test::set_time", c.Arg(0))
				if err == nil {
					err = t.setClock(r, at)
				}
				return rhai.Unit(), err
			}),
		t.function("advance", params(anyParam("seconds")), "()", "Moves the clock on.", `let t = time::now(); test::advance(90); time::now() - t // 90000`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				seconds, ok := c.Arg(0).AsFloat()
				if n, isInt := c.Arg(0).AsInt(); isInt {
					seconds, ok = float64(n), true
				}
				if !ok || math.IsNaN(seconds) || seconds < 0 || seconds > maxTTL {
					return rhai.Value{}, throw("test::advance takes a number of seconds, 0 or more: the clock goes back with test::set_time only")
				}
				return rhai.Unit(), t.setClock(r, t.Now().Add(time.Duration(seconds*1e9)))
			}),
		t.function("set_variable", params(textParam("name"), textParam("value")), "()", "Sets a variable of the app.", `test::set_variable("REGION", "eu"); env::get("REGION") // "eu"`,
			func(c *rhai.Call, r *run) (rhai.Value, error) {
				if err := store.CheckSettingName(text(c, 0)); err != nil {
					return rhai.Value{}, throw(err.Error())
				}
				t.SetVariable(text(c, 0), text(c, 1))
				r.variables = nil
				return rhai.Unit(), nil
			}),
		t.function("set_secret", params(textParam("name"), textParam("value")), "()", "Sets a secret of the app.", `test::set_secret("KEY", "k1"); secret::has("KEY") // true`,
			func(c *rhai.Call, _ *run) (rhai.Value, error) {
				if err := store.CheckSettingName(text(c, 0)); err != nil {
					return rhai.Value{}, throw(err.Error())
				}
				t.SetSecret(text(c, 0), text(c, 1))
				return rhai.Unit(), nil
			}),
		t.function("executions", nil, "array", "The executions of the app's scripts so far: `script`, `trigger`, `status`, `error`, `http_status` and `logs`, an array of texts.", `test::executions().len // 0`,
			func(c *rhai.Call, _ *run) (rhai.Value, error) { return executionValues(c, t.Executions()) }),
	)
	return m
}

// request has the app answer.
func (t *trialScripts) request(c *rhai.Call, r *run, q *httpCall) (rhai.Value, error) {
	if !strings.HasPrefix(q.url, "/") {
		return rhai.Value{}, q.fail("%q is no path: it begins with /", q.url)
	}
	if err := q.read(); err != nil {
		return rhai.Value{}, err
	}
	req, err := http.NewRequestWithContext(c.Context(), q.method, "http://"+r.start.App+".localhost"+q.url+q.query, bytes.NewReader(q.content))
	if err != nil {
		return rhai.Value{}, q.fail("%q is no path of an address", q.url)
	}
	req.Header, req.RemoteAddr, req.RequestURI = q.header, "127.0.0.1:1", req.URL.RequestURI()
	var a trial.Answer
	err = t.app(c, r, func() error {
		a = t.App.Serve(c.Context(), req)
		return nil
	})
	if err != nil {
		return rhai.Value{}, err
	}
	if err := c.Alloc(200 + len(a.Body)); err != nil {
		return rhai.Value{}, err
	}
	return rhai.Host(httpResponseType.HostType(), &httpResponse{status: a.Status, header: a.Header, url: req.URL.String(), bytes: a.Body}), nil
}

// event reads an event of a test.
func (t *trialScripts) event(c *rhai.Call, v rhai.Value) (invoke.Event, error) {
	e := invoke.Event{ID: store.NewID(), Kind: string(store.ChannelQueue), Attempt: 1, Time: t.Now(), Depth: 1}
	if v.Kind() != rhai.KindMap {
		return e, throw("an event is a map with payload, kind, source, attempt, id and time")
	}
	payload := rhai.Unit()
	var err error
	v.EachEntry(func(name string, v rhai.Value) bool {
		s, isText := v.AsString()
		n, isInt := v.AsInt()
		switch {
		case name == "payload":
			payload = v
		case name == "kind" && isText:
			e.Kind = s
		case name == "source" && isText:
			e.Source = s
		case name == "id" && isText && s != "":
			e.ID = s
		case name == "attempt" && isInt && n >= 1:
			e.Attempt = int(n)
		case name == "time":
			e.Time, err = timeOf("the time of an event", v)
		default:
			err = throw(eventEntries.wrong(name, v))
		}
		return err == nil
	})
	if err != nil {
		return e, err
	}
	if e.Payload, err = value.Encode(payload); err != nil {
		err = throw(err.Error())
	}
	return e, err
}

func timeOf(what string, v rhai.Value) (time.Time, error) {
	if s, ok := v.AsString(); ok {
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return at.UTC(), nil
		}
	} else if n, ok := v.AsInt(); ok && n >= minTime && n <= maxTime {
		return time.UnixMilli(n).UTC(), nil
	}
	return time.Time{}, throw(what + " is a number of milliseconds since 1970, or a text such as \"2026-03-01T12:00:00Z\"")
}

// deliver runs a script of the app with events.
func (t *trialScripts) deliver(c *rhai.Call, r *run, script string, batch bool, events []invoke.Event) error {
	if err := t.knows(script); err != nil {
		return err
	}
	return t.app(c, r, func() error {
		res, err := t.App.Deliver(c.Context(), script, batch, events)
		switch {
		case err != nil && c.Context().Err() != nil:
			return &rhai.Error{Kind: rhai.ErrTerminated}
		case err != nil:
			return throw(err.Error())
		case res.Status != store.StatusOK:
			e := trial.Thrown{Text: script + ".rhai: " + res.Error, Script: script, Error: res.Error}
			t.Throw(e)
			return throw(e.Text)
		}
		return nil
	})
}

// knows refuses a script that the app does not have.
func (t *trialScripts) knows(script string) error {
	there := t.App.Scripts()
	switch {
	case slices.Contains(there, script):
		return nil
	case len(there) == 0:
		return throw(fmt.Sprintf("there is no script %q: the app has none", script))
	}
	return throw(fmt.Sprintf("there is no script %q: the app has %s", script, strings.Join(there, ", ")))
}

// maxDeliveries bounds one test::deliver: a script that sends to its own queue
// would never come to an end.
const maxDeliveries = 10_000

// deliverAll runs a script, the call's second argument, with each message that
// next gives.
func (t *trialScripts) deliverAll(c *rhai.Call, r *run, kind store.ChannelKind, next func() (trial.Message, func(error), bool)) (rhai.Value, error) {
	if err := t.knows(text(c, 1)); err != nil {
		return rhai.Value{}, err
	}
	if err := r.flush(); err != nil {
		return rhai.Value{}, err
	}
	for n := range int64(maxDeliveries) {
		m, done, ok := next()
		if !ok {
			return rhai.Int(n), nil
		}
		e := invoke.Event{ID: m.ID, Kind: string(kind), Source: m.Source, Payload: m.Payload, Attempt: m.Failed + 1, Time: m.SentAt, Depth: 1}
		err := t.deliver(c, r, text(c, 1), false, []invoke.Event{e})
		done(err)
		if err != nil {
			return rhai.Value{}, err
		}
	}
	return rhai.Value{}, throw(fmt.Sprintf("%d messages were delivered and there are more: does %s send to itself?", maxDeliveries, text(c, 1)))
}

func payloadOf(c *rhai.Call, m *trial.Message) (rhai.Value, error) { return loaded(c, m.Payload) }

// messageValues makes an array of messages, those included that the test itself
// has sent so far.
func messageValues(c *rhai.Call, r *run, list func() []trial.Message, convert func(*rhai.Call, *trial.Message) (rhai.Value, error)) (rhai.Value, error) {
	if err := r.flush(); err != nil {
		return rhai.Value{}, err
	}
	var values []rhai.Value
	for _, m := range list() {
		v, err := convert(c, &m)
		if err != nil {
			return rhai.Value{}, err
		}
		values = append(values, v)
	}
	return rhai.Array(values), nil
}

// stub adds a stub.
func (t *trialScripts) stub(c *rhai.Call, _ *run) (rhai.Value, error) {
	s := trial.Stub{Method: strings.ToUpper(text(c, 0)), URL: text(c, 1)}
	if s.Method != "*" && !validToken(s.Method) || !strings.HasPrefix(s.URL, "http") && !strings.HasPrefix(s.URL, "*") {
		return rhai.Value{}, throw("test::stub takes a method or *, an address such as https://api.example.com/*, and what is answered")
	}
	answer := c.Arg(2)
	if answer.Kind() == rhai.KindFn {
		s.Answer = func(call trial.Call) (trial.Answer, error) {
			if t.live == nil {
				return trial.Answer{}, errors.New("a stub with a function answers the app's scripts only, not the test itself")
			}
			v, err := callValue(t.live, call)
			if err == nil {
				v, err = t.live.Invoke(answer, v)
			}
			if err != nil {
				return trial.Answer{}, errors.New("the stub failed: " + err.Error())
			}
			return stubAnswer(v)
		}
	} else {
		a, failure := stubAnswer(answer)
		var wrong *stubError
		if errors.As(failure, &wrong) {
			return rhai.Value{}, throw(wrong.Error())
		}
		s.Answer = func(trial.Call) (trial.Answer, error) { return a, failure }
	}
	t.Stub(s)
	return rhai.Unit(), nil
}

// stubError says that a value is no answer of a stub.
type stubError struct{ text string }

func (e *stubError) Error() string { return "test::stub: " + e.text }

// stubAnswer reads what a stub answers. An error that is no stubError is what
// the call throws.
func stubAnswer(v rhai.Value) (a trial.Answer, err error) {
	a = trial.Answer{Status: http.StatusOK, Header: http.Header{}}
	if v.Kind() != rhai.KindMap {
		return a, &stubError{"the answer is a map with status, headers, and json or body, or with error"}
	}
	v.EachEntry(func(name string, v rhai.Value) bool {
		s, isText := v.AsString()
		b, isBlob := v.AsBlob()
		n, isInt := v.AsInt()
		switch {
		case name == "status" && isInt && n >= 200 && n <= 599:
			a.Status = int(n)
		case name == "headers" && v.Kind() == rhai.KindMap:
			v.EachEntry(func(name string, v rhai.Value) bool {
				var value string
				if value, err = headerValue(name, v); err != nil {
					err = &stubError{err.Error()}
					return false
				}
				a.Header.Set(name, value)
				return true
			})
		case name == "body" && isText:
			a.Body = []byte(s)
		case name == "body" && isBlob:
			a.Body = bytes.Clone(b)
		case name == "json":
			if a.Body, err = writeJSON(v, maxText, 0); err != nil {
				err = &stubError{err.Error()}
			} else if a.Header.Get("Content-Type") == "" {
				a.Header.Set("Content-Type", "application/json")
			}
		case name == "error" && isText:
			err = errors.New(s)
		default:
			err = &stubError{stubEntries.wrong(name, v)}
		}
		return err == nil
	})
	return a, err
}

// callValue is a call as scripts see it.
func callValue(c *rhai.Call, call trial.Call) (rhai.Value, error) {
	headers := make([]pair, 0, len(call.Header))
	for name, values := range call.Header {
		headers = append(headers, pair{strings.ToLower(name), strings.Join(values, ", ")})
	}
	h, err := textMap(c, headers...)
	if err != nil {
		return rhai.Value{}, err
	}
	if err := c.Alloc(300 + len(call.URL) + len(call.Body)); err != nil {
		return rhai.Value{}, err
	}
	return rhai.Map(map[string]rhai.Value{
		"method": rhai.String(call.Method), "url": rhai.String(clean(call.URL)), "headers": h, "body": rhai.String(clean(string(call.Body))),
	}), nil
}

func executionValues(c *rhai.Call, executions []store.Execution) (rhai.Value, error) {
	var list []rhai.Value
	for _, e := range executions {
		var logs []rhai.Value
		size := 300 + len(e.Error)
		for _, l := range e.Logs {
			logs = append(logs, rhai.String(l.Message))
			size += 48 + len(l.Message)
		}
		if err := c.Alloc(size); err != nil {
			return rhai.Value{}, err
		}
		list = append(list, rhai.Map(map[string]rhai.Value{
			"script": rhai.String(e.Script), "trigger": rhai.String(e.Trigger), "status": rhai.String(string(e.Status)), "error": rhai.String(e.Error),
			"http_status": rhai.Int(int64(e.HTTPStatus)), "logs": rhai.Array(logs),
		}))
	}
	return rhai.Array(list), nil
}
