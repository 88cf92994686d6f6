package executor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/rhai"
)

// request is the HTTP request as scripts have it. Each part is made when a
// script first asks for it.
type request struct {
	run *run
	req *invoke.Request

	params, query, headers, cookies, body rhai.Value // unit until they are made
}

var requestType = rhai.NewType[*request]("Request").
	Describe("The HTTP request, in the constant `request`.").
	Print(func(q *request) string { return q.req.Method + " " + q.req.Path })

// of is the receiver of a method of the request.
func requestOf(c *rhai.Call) *request {
	v, _, _ := c.Arg(0).AsHost()
	return v.(*request)
}

func requestGetter(name, returns, doc, example string, f func(*rhai.Call, *request) (rhai.Value, error)) *rhai.Native {
	return requestMethod("get$"+name, returns, doc, example, f)
}

func requestMethod(name, returns, doc, example string, f func(*rhai.Call, *request) (rhai.Value, error)) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: params(hostParam("request", requestType.HostType())), Returns: returns, Doc: doc, Example: example,
		Effects: rhai.Volatile,
		Fn:      func(c *rhai.Call) (rhai.Value, error) { return f(c, requestOf(c)) },
	}
}

// once makes a part of the request at the first call. What it returns is
// frozen: scripts may hold it many times and change their copies.
func once(at *rhai.Value, f func() (rhai.Value, error)) (rhai.Value, error) {
	if at.IsUnit() {
		v, err := f()
		if err != nil {
			return rhai.Value{}, err
		}
		*at = v.Freeze()
	}
	return *at, nil
}

func requestFunctions() []*rhai.Native {
	return []*rhai.Native{
		requestGetter("method", "string", "The method, in capital letters.", `request.method // "POST"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return c.String(clean(q.req.Method)) }),
		requestGetter("url", "string", "The whole address as the client asked for it, with scheme, host and query.",
			`request.url // "http://demo.localhost/orders/7/items?sort=price&tag=a&tag=b"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return c.String(clean(q.req.URL)) }),
		requestGetter("path", "string", "The path of the address, decoded. On the control host it begins with the app's name.",
			`request.path // "/orders/7/items"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return c.String(clean(q.req.Path)) }),
		requestGetter("params", "map", "What the route matched. `params.rest` is the path behind the script's name, without a slash at its start; empty if there is none.",
			`request.params.rest // "7/items"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				return once(&q.params, func() (rhai.Value, error) {
					var m []pair
					for _, p := range q.req.Params {
						m = append(m, pair{p.Name, p.Value})
					}
					return textMap(c, m...)
				})
			}),
		requestGetter("query", "map", "The query's parameters. Of one that occurs twice the first counts; `url::parse_query` gives all.",
			`request.query.tag // "a"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				return once(&q.query, func() (rhai.Value, error) {
					if err := work(c, len(q.req.Query)); err != nil {
						return rhai.Value{}, err
					}
					return firstOfQuery(c, q.req.Query)
				})
			}),
		requestGetter("headers", "map", "The headers by their names in lower case. Values of a header that occurs twice are joined with a comma.",
			`request.headers["content-type"] // "application/json"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				return once(&q.headers, func() (rhai.Value, error) {
					m := make([]pair, 0, len(q.req.Header))
					for name, values := range q.req.Header {
						m = append(m, pair{strings.ToLower(name), strings.Join(values, ", ")})
					}
					return textMap(c, m...)
				})
			}),
		requestGetter("cookies", "map", "The cookies by name.", `request.cookies.theme // "dark"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				return once(&q.cookies, func() (rhai.Value, error) { return textMap(c, cookies(q.req.Header)...) })
			}),
		requestGetter("body", "string", "The body as text. Bytes that are not UTF-8 become U+FFFD; `bytes()` has them as they are.",
			`request.body // "{\"email\":\"ada@example.com\"}"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				return once(&q.body, func() (rhai.Value, error) {
					if err := work(c, len(q.req.Body)); err != nil {
						return rhai.Value{}, err
					}
					return c.String(clean(string(q.req.Body)))
				})
			}),
		requestGetter("ip", "string", "The client's address, as far as the proxies in between are trusted.", `request.ip // "192.0.2.7"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return c.String(q.req.IP) }),
		requestGetter("id", "string", "The ID of this execution, as the log shows it.", `request.id.len // 36`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return c.String(q.run.start.RunID) }),
		requestMethod("bytes", "blob", "The body as it came.", `request.bytes().len // 27`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				if err := work(c, len(q.req.Body)); err != nil {
					return rhai.Value{}, err
				}
				if err := c.Alloc(48 + len(q.req.Body)); err != nil {
					return rhai.Value{}, err
				}
				return rhai.Blob(bytes.Clone(q.req.Body)), nil
			}),
		requestMethod("json", "any", "The body, read as JSON (RFC 8259). Malformed JSON throws an error that answers 400 if nobody catches it.",
			`request.json().email // "ada@example.com"`,
			func(c *rhai.Call, q *request) (rhai.Value, error) {
				v, err := parseJSON(c, string(q.req.Body))
				return v, badRequest(err)
			}),
		requestMethod("form", "map", "The fields of a form, `application/x-www-form-urlencoded` or `multipart/form-data`. Of a field that occurs twice the first counts. "+
			"A file is a map with `filename`, `type` and `data`, a blob. A form has at most 10,000 fields, one in `multipart/form-data` at most 1,000 parts. Another or malformed body throws an error that answers 400 if nobody catches it.",
			`let status = 0; try { request.form(); } catch (e) { status = e.status; } status // 400`,
			func(c *rhai.Call, q *request) (rhai.Value, error) { return q.form(c) }),
	}
}

// badRequest makes malformed JSON an error that answers 400.
func badRequest(err error) error {
	var je *jsonError
	if errors.As(err, &je) {
		return newHTTPError(http.StatusBadRequest, "the request's body is not valid JSON: "+je.Error())
	}
	return err
}

// parseQuery reads a query or an encoded form as far as it is well-formed.
func parseQuery(s string) url.Values {
	v, _ := url.ParseQuery(s) // what is malformed is left out
	return v
}

// firstOfQuery makes a map of a query's parameters, the first of each name. It
// reads a query as parseQuery does.
func firstOfQuery(c *rhai.Call, query string) (rhai.Value, error) {
	var room [4]pair
	m := room[:0]
	for part, more := "", query != ""; more; {
		part, query, more = strings.Cut(query, "&")
		if part == "" || strings.Contains(part, ";") {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			continue
		}
		m = append(m, pair{name, value})
	}
	return textMap(c, m...)
}

func firstValues(c *rhai.Call, v url.Values) (rhai.Value, error) {
	m := make([]pair, 0, len(v))
	for name, values := range v {
		m = append(m, pair{name, values[0]})
	}
	return textMap(c, m...)
}

// pair is a name and a text from outside.
type pair struct{ name, text string }

// textMap makes a map of texts from outside. Of several with one name the first counts.
func textMap(c *rhai.Call, m ...pair) (rhai.Value, error) {
	var room [4]rhai.Entry
	entries := room[:0]
	for i := len(m) - 1; i >= 0; i-- {
		v, err := c.String(clean(m[i].text))
		if err != nil {
			return rhai.Value{}, err
		}
		entries = append(entries, rhai.Entry{Key: clean(m[i].name), Value: v})
	}
	return newMap(c, entries...)
}

// cookies reads the Cookie headers, in their order.
func cookies(h http.Header) []pair {
	var m []pair
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if !ok || name == "" {
				continue
			}
			if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			m = append(m, pair{name, value})
		}
	}
	return m
}

// What one form may hold. The fields of an encoded form are small enough that a
// body within its limit could hold millions of them, each of which takes many
// times its own size while the form is read.
const (
	maxFormParts  = 1000
	maxFormFields = 10_000
)

func (q *request) form(c *rhai.Call) (rhai.Value, error) {
	if err := c.Charge(1 + len(q.req.Body)/8); err != nil {
		return rhai.Value{}, err
	}
	kind := q.req.Header.Get("Content-Type")
	media, args, err := mime.ParseMediaType(kind)
	switch {
	case err != nil && kind != "":
		return rhai.Value{}, newHTTPError(http.StatusBadRequest, fmt.Sprintf("the content type %q is malformed", kind))
	case media == "application/x-www-form-urlencoded":
		if bytes.Count(q.req.Body, []byte{'&'}) >= maxFormFields {
			return rhai.Value{}, newHTTPError(http.StatusBadRequest, fmt.Sprintf("the request's body is not a valid form: it has more than %d fields", maxFormFields))
		}
		v, err := url.ParseQuery(string(q.req.Body))
		if err != nil {
			return rhai.Value{}, newHTTPError(http.StatusBadRequest, "the request's body is not a valid form: "+err.Error())
		}
		return firstValues(c, v)
	case media == "multipart/form-data":
		return q.multipart(c, args["boundary"])
	}
	return rhai.Value{}, newHTTPError(http.StatusBadRequest, fmt.Sprintf("the request's body is not a form: its content type is %q", kind))
}

func (q *request) multipart(c *rhai.Call, boundary string) (rhai.Value, error) {
	var entries []rhai.Entry
	seen := map[string]bool{}
	bad := func(err error) (rhai.Value, error) {
		return rhai.Value{}, newHTTPError(http.StatusBadRequest, "the request's body is not a valid form: "+err.Error())
	}
	if boundary == "" {
		return bad(errors.New("the content type has no boundary"))
	}
	r := multipart.NewReader(bytes.NewReader(q.req.Body), boundary)
	for n := 0; ; n++ {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return newMap(c, entries...)
		}
		if err != nil {
			return bad(err)
		}
		if n >= maxFormParts {
			return bad(fmt.Errorf("it has more than %d parts", maxFormParts))
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return bad(err)
		}
		name := clean(part.FormName())
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		v, err := formValue(c, part, content)
		if err != nil {
			return rhai.Value{}, err
		}
		entries = append(entries, rhai.Entry{Key: name, Value: v})
	}
}

func formValue(c *rhai.Call, part *multipart.Part, content []byte) (rhai.Value, error) {
	file := part.FileName()
	if file == "" {
		return c.String(clean(string(content)))
	}
	blob, err := newBlob(c, content)
	if err != nil {
		return rhai.Value{}, err
	}
	name, err := c.String(clean(file))
	if err != nil {
		return rhai.Value{}, err
	}
	kind, err := c.String(clean(part.Header.Get("Content-Type")))
	if err != nil {
		return rhai.Value{}, err
	}
	return newMap(c, rhai.Entry{Key: "data", Value: blob}, rhai.Entry{Key: "filename", Value: name}, rhai.Entry{Key: "type", Value: kind})
}
