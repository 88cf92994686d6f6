package executor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/rhai"
)

// Caller makes the HTTP calls of scripts; outbound.Client does.
type Caller interface {
	Do(ctx context.Context, r *outbound.Request) (*outbound.Response, []outbound.Exchange, error)
}

// The bounds of calls.
const (
	httpCharge       = 200 // operations, beside the work on the bodies
	maxHTTPCalls     = 1000
	defaultTimeout   = 30 * time.Second
	maxTimeout       = 24 * 60 * 60 // seconds
	defaultRedirects = 5
	maxRedirects     = 20
	defaultAnswer    = 8 << 20 // bytes
)

func httpModule() *rhai.Module {
	url, body, options := textParam("url"), anyParam("body"), param("options", rhai.TMap)
	var list []*rhai.Native
	add := func(name string, p []rhai.Param, doc, example string) {
		method := strings.ToUpper(name)
		at := 0 // of the address among the arguments
		if name == "request" {
			method, at = "", 1
		}
		list = append(list, &rhai.Native{
			Name: name, Params: p, Returns: "HttpResponse", Doc: doc, Example: example, Effects: rhai.Volatile,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				q := &httpCall{call: c, name: "http::" + name, method: method, url: text(c, at), body: rhai.Unit()}
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
				return q.do()
			},
		})
	}
	add("get", params(url), "Asks for what is at an address.", `http::get("https://api.example.com/rate").json().rate // 1.5`)
	add("get", params(url, options), "The same with options.", `http::get("https://api.example.com/rate", #{ query: #{ of: "EUR" }, headers: #{ accept: "application/json" } }).status // 200`)
	for _, x := range []struct{ name, does string }{
		{"post", "Sends `body` to an address: text and blobs as they are, anything else as JSON, `()` for nothing."},
		{"put", "Puts `body` at an address."},
		{"patch", "Changes what is at an address by `body`."},
	} {
		add(x.name, params(url, body), x.does, fmt.Sprintf(`http::%s("https://api.example.com/orders", #{ item: "tea" }).ok // true`, x.name))
		add(x.name, params(url, body, options), "The same with options.", fmt.Sprintf(`http::%s("https://api.example.com/orders", "tea", #{ timeout: 2.5 }).status // 200`, x.name))
	}
	add("delete", params(url), "Deletes what is at an address.", `http::delete("https://api.example.com/orders/7").ok // true`)
	add("delete", params(url, options), "The same with options.", `http::delete("https://api.example.com/orders/7", #{ headers: #{ "if-match": "3" } }).ok // true`)
	add("request", params(textParam("method"), url), "A call with any method.", `http::request("HEAD", "https://api.example.com/rate").body // ""`)
	add("request", params(textParam("method"), url, options), "The same with options, which hold the body.", `http::request("POST", "https://api.example.com/login", #{ form: #{ user: "ada" } }).status // 200`)
	return rhai.NewModule("http").
		Describe("Calls of other servers, on the public internet unless an admin of the instance opens a network to the app. Whatever the status, the answer is returned; " +
			"a call without an answer throws. A call is not undone by a later error, and `kv::transaction` refuses it. " +
			"Options: `headers`, `query` (maps), one of `json`, `form` (a map) and `body`, `timeout` (seconds, 30 by default), `redirects` (how many to follow, 5 by default), " +
			"`max_bytes` (of the answer, 8 MiB by default). See [the guide](../http-client.md).").
		Register(list...)
}

// httpCall is one call of a script.
type httpCall struct {
	call        *rhai.Call
	name        string
	method, url string
	body        rhai.Value
	options     rhai.Value
	inside      bool // of a test, to its own app

	header    http.Header
	content   []byte
	kind      string // of the content
	query     string
	timeout   time.Duration
	redirects int
	maxBytes  int64
}

func (q *httpCall) fail(format string, args ...any) error {
	return throw(q.name + ": " + fmt.Sprintf(format, args...))
}

func (q *httpCall) do() (rhai.Value, error) {
	c := q.call
	r := runOf(c.Context())
	if r == nil {
		return rhai.Value{}, throw("there are no calls outside an execution")
	}
	if r.unit.depth > 0 {
		return rhai.Value{}, q.fail("not inside kv::transaction, which may have to do everything again: call before it or after it")
	}
	if r.outbound == nil {
		r.outbound = &outboundRecord{}
	}
	if r.outbound.ordinal >= maxHTTPCalls {
		return rhai.Value{}, r.exceed(fmt.Sprintf("the limit of %d calls by http", maxHTTPCalls))
	}
	if err := c.Charge(httpCharge); err != nil {
		return rhai.Value{}, err
	}
	if err := q.read(); err != nil {
		return rhai.Value{}, err
	}
	r.outbound.ordinal++
	if id := deliveredID(r.start); id != "" && q.header["Idempotency-Key"] == nil {
		// The same one when it is delivered again.
		q.header.Set("Idempotency-Key", fmt.Sprintf("%s:%d", id, r.outbound.ordinal))
	}
	ctx, cancel := context.WithTimeout(c.Context(), q.timeout)
	defer cancel()
	req := &outbound.Request{
		App: r.start.AppID, Method: q.method, URL: q.url + q.query, Header: q.header, Body: q.content, Redirects: q.redirects,
	}
	if p := r.start.Outbound; p != nil {
		req.Policy = outbound.Policy(*p)
	}
	res, trail, err := r.executor.http.Do(ctx, req)
	var v rhai.Value
	if err == nil {
		v, err = q.answer(res)
		res.Body.Close()
		last := &trail[len(trail)-1]
		last.Duration = time.Since(last.Started) // with the body
	}
	var re *rhai.Error
	var why string // for the script and the record
	switch {
	case err == nil:
	case errors.As(err, &re):
		why = strings.TrimPrefix(strings.TrimPrefix(re.Message(), "Runtime error: "), q.name+": ")
	case r.ctx.Err() != nil:
		why, err = "the execution ended before the answer was there", &rhai.Error{Kind: rhai.ErrTerminated}
	case ctx.Err() != nil:
		why = fmt.Sprintf("no whole answer within %v", q.timeout)
		err = q.fail("%s", why)
	default:
		why = clean(err.Error())
		err = q.fail("%s", why)
	}
	if n := len(trail); err != nil && n > 0 && (res != nil || trail[n-1].Error != "") {
		trail[n-1].Error = why
	}
	r.outbound.record(trail, r.logs.mask)
	return v, err
}

// deliveredID names what a run was started with: the message's ID, for a batch one
// made of its messages'; "" for a request that somebody waits for.
func deliveredID(s *invoke.Start) string {
	switch {
	case s.Event != nil:
		return s.Event.ID
	case len(s.Batch) == 1:
		return s.Batch[0].ID
	case len(s.Batch) == 0 && s.Lease != nil && len(s.Lease.Messages) > 0: // a request that nobody waits for
		return s.Lease.Messages[0]
	case len(s.Batch) == 0:
		return ""
	}
	h := sha256.New()
	for i := range s.Batch {
		h.Write([]byte(s.Batch[i].ID))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// read takes the arguments apart.
func (q *httpCall) read() error {
	if !validToken(q.method) || len(q.method) > 32 {
		return q.fail("%q is no method", q.method)
	}
	q.method = strings.ToUpper(q.method)
	if q.method == http.MethodConnect || q.method == http.MethodTrace {
		return q.fail("the method %s cannot be sent", q.method)
	}
	q.header, q.timeout, q.redirects, q.maxBytes = http.Header{}, defaultTimeout, defaultRedirects, defaultAnswer
	bodies := 0
	if q.body.Kind() != rhai.KindUnit {
		bodies++
		if err := q.setBody(q.body); err != nil {
			return err
		}
	}
	var err error
	q.options.EachEntry(func(name string, v rhai.Value) bool {
		switch name {
		case "json", "form", "body":
			if v.Kind() == rhai.KindUnit && name != "json" {
				break
			}
			if bodies++; bodies > 1 {
				err = q.fail("there is more than one body: give one of json, form and body")
				break
			}
			err = q.bodyOption(name, v)
		default:
			err = q.option(name, v)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	if q.kind != "" && q.header["Content-Type"] == nil {
		q.header["Content-Type"] = []string{q.kind}
	}
	return nil
}

func (q *httpCall) setBody(v rhai.Value) error {
	switch v.Kind() {
	case rhai.KindString:
		s, _ := v.AsString()
		q.content, q.kind = []byte(s), "text/plain; charset=utf-8"
	case rhai.KindBlob:
		b, _ := v.AsBlob()
		q.content, q.kind = bytes.Clone(b), "application/octet-stream"
	default:
		return q.bodyOption("json", v)
	}
	return q.charge(len(q.content))
}

// charge counts a body that is sent.
func (q *httpCall) charge(n int) error {
	if err := q.call.Alloc(n); err != nil {
		return err
	}
	return work(q.call, n)
}

func (q *httpCall) bodyOption(name string, v rhai.Value) error {
	switch name {
	case "body":
		if k := v.Kind(); k != rhai.KindString && k != rhai.KindBlob {
			return q.fail("the option body is text or a blob: json takes anything")
		}
		return q.setBody(v)
	case "form":
		if v.Kind() != rhai.KindMap {
			return q.fail("the option form is a map")
		}
		s, err := buildQuery(q.call, v)
		if err != nil {
			return err
		}
		q.content, q.kind = []byte(s), "application/x-www-form-urlencoded"
		return q.charge(len(s))
	}
	limit := int64(maxText)
	if m := runOf(q.call.Context()).start.Limits.MemoryBytes; m > 0 {
		limit = min(limit, m)
	}
	b, err := writeJSON(v, int(limit), 0)
	if errors.Is(err, errTooLong) {
		return runOf(q.call.Context()).exceed("the memory limit of " + size(limit) + " by a body")
	}
	if err != nil {
		return q.fail("%s", err)
	}
	q.content, q.kind = b, "application/json"
	return q.charge(len(b))
}

func (q *httpCall) option(name string, v rhai.Value) error {
	n, isInt := v.AsInt()
	if q.inside && name != "headers" && name != "query" {
		return q.fail("there is no option %q: there are headers, query, json, form and body", name)
	}
	switch name {
	case "headers":
		if v.Kind() != rhai.KindMap {
			return q.fail("the option headers is a map")
		}
		var err error
		size := 0
		v.EachEntry(func(name string, v rhai.Value) bool {
			size += len(name)
			var value string
			if value, err = headerValue(name, v); err != nil {
				err = q.fail("%s", err)
			} else if size += len(value); size > maxHeaders {
				err = q.fail("the headers take more than %d bytes", maxHeaders)
			}
			q.header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
			return err == nil
		})
		return err
	case "query":
		if v.Kind() != rhai.KindMap {
			return q.fail("the option query is a map")
		}
		s, err := buildQuery(q.call, v)
		if err != nil || s == "" {
			return err
		}
		q.url, _, _ = strings.Cut(q.url, "#")
		q.query = "?" + s
		if strings.Contains(q.url, "?") {
			q.query = "&" + s
		}
		return nil
	case "timeout":
		seconds, ok := v.AsFloat()
		if isInt {
			seconds, ok = float64(n), true
		}
		if !ok || math.IsNaN(seconds) || seconds <= 0 || seconds > maxTimeout {
			return q.fail("the option timeout is a number of seconds, greater than 0 and at most %d", maxTimeout)
		}
		q.timeout = max(time.Duration(seconds*1e9), time.Millisecond)
		return nil
	case "redirects":
		if !isInt || n < 0 || n > maxRedirects {
			return q.fail("the option redirects is how many are followed, 0 to %d", maxRedirects)
		}
		q.redirects = int(n)
		return nil
	case "max_bytes":
		if !isInt || n < 1 || n > maxText {
			return q.fail("the option max_bytes is how large the answer may be, 1 to %d", maxText)
		}
		q.maxBytes = n
		return nil
	}
	return q.fail("there is no option %q: there are headers, query, json, form, body, timeout, redirects and max_bytes", name)
}
