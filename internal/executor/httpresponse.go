package executor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// httpResponse is another server's answer to a call. It does not change.
type httpResponse struct {
	status int
	header http.Header
	url    string
	bytes  []byte

	headers, body rhai.Value // unit until they are made
}

var httpResponseType = rhai.NewType[*httpResponse]("HttpResponse").
	Describe("Another server's answer, which the functions of `http` return.").
	MemSize(func(r *httpResponse) int64 {
		n := 200 + len(r.bytes) + len(r.url)
		if !r.body.IsUnit() {
			n += len(r.bytes)
		}
		for k, vs := range r.header {
			n += 64 + len(k)
			for _, v := range vs {
				n += 16 + len(v)
			}
		}
		return int64(n)
	}).
	Print(func(r *httpResponse) string { return fmt.Sprintf("HttpResponse %d", r.status) })

func httpResponseFunctions() []*rhai.Native {
	self := hostParam("answer", httpResponseType.HostType())
	method := func(name, returns, doc, example string, f func(*rhai.Call, *httpResponse) (rhai.Value, error)) *rhai.Native {
		return &rhai.Native{
			Name: name, Params: params(self), Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				v, _, _ := c.Arg(0).AsHost()
				return f(c, v.(*httpResponse))
			},
		}
	}
	const got = `http::get("https://api.example.com/rate")`
	return []*rhai.Native{
		method("get$status", "int", "The status.", got+`.status // 200`,
			func(_ *rhai.Call, r *httpResponse) (rhai.Value, error) { return rhai.Int(int64(r.status)), nil }),
		method("get$ok", "bool", "Whether the status is one of success, 200 to 299.", got+`.ok // true`,
			func(_ *rhai.Call, r *httpResponse) (rhai.Value, error) {
				return rhai.Bool(r.status >= 200 && r.status <= 299), nil
			}),
		method("get$url", "string", "The address that answered, after redirects.", got+`.url // "https://api.example.com/rate"`,
			func(c *rhai.Call, r *httpResponse) (rhai.Value, error) { return c.String(clean(r.url)) }),
		method("get$headers", "map", "The headers by their names in lower case. Values of a header that occurs twice are joined with a comma.", got+`.headers["content-type"] // "application/json"`,
			func(c *rhai.Call, r *httpResponse) (rhai.Value, error) {
				return once(&r.headers, func() (rhai.Value, error) {
					m := make([]pair, 0, len(r.header))
					for name, values := range r.header {
						m = append(m, pair{strings.ToLower(name), strings.Join(values, ", ")})
					}
					return textMap(c, m...)
				})
			}),
		method("get$body", "string", "The body as text. Bytes that are not UTF-8 become U+FFFD; `bytes()` has them as they are.", got+`.body // "{\"rate\":1.5}"`,
			func(c *rhai.Call, r *httpResponse) (rhai.Value, error) {
				return once(&r.body, func() (rhai.Value, error) {
					if err := work(c, len(r.bytes)); err != nil {
						return rhai.Value{}, err
					}
					return c.String(clean(string(r.bytes)))
				})
			}),
		method("bytes", "blob", "The body as it came.", got+`.bytes().len // 12`,
			func(c *rhai.Call, r *httpResponse) (rhai.Value, error) {
				if err := work(c, len(r.bytes)); err != nil {
					return rhai.Value{}, err
				}
				if err := c.Alloc(48 + len(r.bytes)); err != nil {
					return rhai.Value{}, err
				}
				return rhai.Blob(bytes.Clone(r.bytes)), nil
			}),
		method("json", "any", "The body, read as JSON (RFC 8259). Malformed JSON throws.", got+`.json().rate // 1.5`,
			func(c *rhai.Call, r *httpResponse) (rhai.Value, error) {
				v, err := parseJSON(c, string(r.bytes))
				var je *jsonError
				if errors.As(err, &je) {
					err = throw(fmt.Sprintf("the answer (status %d) is not valid JSON: %s", r.status, je.Error()))
				}
				return v, err
			}),
	}
}

// answer reads the whole body. Each piece is charged before there is memory for it.
func (q *httpCall) answer(res *outbound.Response) (rhai.Value, error) {
	c := q.call
	tooLarge := q.fail("the answer takes more than %d bytes; the option max_bytes allows more", q.maxBytes)
	if res.Length > q.maxBytes {
		return rhai.Value{}, tooLarge
	}
	if err := c.Alloc(200); err != nil {
		return rhai.Value{}, err
	}
	size := int64(4 << 10)
	if res.Length >= 0 {
		size = res.Length
	}
	var body []byte
	for whole := false; !whole; size = min(2*size, q.maxBytes+1) {
		if err := c.Alloc(int(size)); err != nil {
			return rhai.Value{}, err
		}
		grown := make([]byte, size)
		n := copy(grown, body)
		// Not io.ReadFull, whose error for a buffer that is not full is that of a body that was cut.
		for n < len(grown) && !whole {
			m, err := res.Body.Read(grown[n:])
			n += m
			whole = err == io.EOF
			if err != nil && !whole {
				return rhai.Value{}, fmt.Errorf("the answer broke off: %w", firstOf(c.Context().Err(), err))
			}
		}
		body = grown[:n]
		if int64(n) > q.maxBytes {
			return rhai.Value{}, tooLarge
		}
		whole = whole || int64(n) == res.Length
	}
	if err := work(c, len(body)); err != nil {
		return rhai.Value{}, err
	}
	return rhai.Host(httpResponseType.HostType(), &httpResponse{status: res.Status, header: res.Header, url: res.URL, bytes: body}), nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// maxRecorded is how many calls the record of an execution keeps.
const maxRecorded = 100

// outboundRecord is the calls of a run.
type outboundRecord struct {
	ordinal int
	calls   []store.Call
	dropped int64
}

func (o *outboundRecord) record(trail []outbound.Exchange, m *mask) {
	for _, x := range trail {
		if len(o.calls) >= maxRecorded {
			o.dropped++
			continue
		}
		o.calls = append(o.calls, store.Call{
			At: x.Started.Truncate(time.Microsecond), Method: x.Method, Host: cut(clean(m.hide(x.Host)), 300), Status: x.Status, Duration: x.Duration, Error: cut(clean(m.hide(x.Error)), 300),
		})
	}
}
