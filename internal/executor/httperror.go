package executor

import (
	"fmt"
	"net/http"

	"github.com/picloud/picloud/rhai"
)

// httpError is what `throw http_error(…)` throws: uncaught, it is the answer.
type httpError struct {
	status  int
	message string
	body    []byte // JSON, when the script gave a value instead of a message
}

var httpErrorType = rhai.NewType[*httpError]("HttpError").
	Describe("An error that is an answer: thrown and not caught, it answers with its status.").
	MemSize(func(e *httpError) int64 { return int64(64 + len(e.message) + len(e.body)) }).
	Print(func(e *httpError) string { return fmt.Sprintf("%d %s", e.status, e.message) })

// newHTTPError makes an error that a script can catch, and that answers
// otherwise.
func newHTTPError(status int, message string) error {
	return rhai.Throw(rhai.Host(httpErrorType.HostType(), &httpError{status: status, message: clean(message)}))
}

// thrownHTTPError is the http_error that a run ended with, or nil.
func thrownHTTPError(e *rhai.Error) *httpError {
	if e.Kind != rhai.ErrRuntime {
		return nil
	}
	v, _, _ := e.Value.AsHost()
	he, _ := v.(*httpError)
	return he
}

func httpErrorFunctions() []*rhai.Native {
	self := hostParam("error", httpErrorType.HostType())
	get := func(name, returns, doc, example string, f func(*rhai.Call, *httpError) (rhai.Value, error)) *rhai.Native {
		return &rhai.Native{
			Name: "get$" + name, Params: params(self), Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				v, _, _ := c.Arg(0).AsHost()
				return f(c, v.(*httpError))
			},
		}
	}
	status := func(c *rhai.Call) (int, error) {
		n := number(c, 0)
		if n < 400 || n > 599 {
			return 0, throw(fmt.Sprintf("%d is not the status of an error: use 400 to 599", n))
		}
		return int(n), nil
	}
	made := func(c *rhai.Call, e *httpError) (rhai.Value, error) {
		return rhai.Host(httpErrorType.HostType(), e), c.Alloc(64 + len(e.message) + len(e.body))
	}
	return []*rhai.Native{
		{
			Name: "http_error", Params: params(param("status", rhai.TInt), textParam("message")), Returns: "HttpError", Effects: rhai.Volatile,
			Doc:     "An error to throw: uncaught, it answers with the status and, as a problem of RFC 9457, the message.",
			Example: `let said = ""; try { throw http_error(422, "too short"); } catch (e) { said = e.message; } said // "too short"`,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				n, err := status(c)
				if err != nil {
					return rhai.Value{}, err
				}
				return made(c, &httpError{status: n, message: clean(text(c, 1))})
			},
		},
		{
			Name: "http_error", Params: params(param("status", rhai.TInt)), Returns: "HttpError", Effects: rhai.Volatile,
			Doc:     "An error to throw: uncaught, it answers with the status.",
			Example: `http_error(404).message // "Not Found"`,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				n, err := status(c)
				if err != nil {
					return rhai.Value{}, err
				}
				return made(c, &httpError{status: n, message: http.StatusText(n)})
			},
		},
		{
			Name: "http_error", Params: params(param("status", rhai.TInt), rhai.Param{Name: "body", Type: rhai.TMap | rhai.TArray, TypeName: "map | array"}), Returns: "HttpError", Effects: rhai.Volatile,
			Doc:     "An error to throw: uncaught, it answers with the status and the body as JSON.",
			Example: `http_error(409, #{ taken: "ada" }).status // 409`,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				n, err := status(c)
				if err != nil {
					return rhai.Value{}, err
				}
				b, err := encode(c, c.Arg(1))
				if err != nil {
					return rhai.Value{}, err
				}
				return made(c, &httpError{status: n, message: http.StatusText(n), body: b})
			},
		},
		get("status", "int", "The status.", `http_error(404).status // 404`,
			func(_ *rhai.Call, e *httpError) (rhai.Value, error) { return rhai.Int(int64(e.status)), nil }),
		get("message", "string", "The message.", `http_error(404, "no such order").message // "no such order"`,
			func(c *rhai.Call, e *httpError) (rhai.Value, error) { return c.String(e.message) }),
	}
}
