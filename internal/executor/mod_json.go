package executor

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/picloud/picloud/rhai"
)

func jsonModule() *rhai.Module {
	return rhai.NewModule("json").
		Describe("Reads and writes JSON by RFC 8259, strictly. (The language's own `parse_json` takes objects only, and is lenient.)").
		Register(
			&rhai.Native{
				Name: "parse", Params: params(textParam("text")), Returns: "any",
				Doc:     "Reads a JSON text. Whole numbers become integers if they fit, others floats; null is `()`; of keys that occur twice the last counts. Malformed JSON throws, and so does `\\ud800` without the other half of its character.",
				Example: `json::parse("[1, 2.5, {\"a\": null}]") // [1,2.5,{"a":null}]`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					v, err := parseJSON(c, s)
					var je *jsonError
					if !errors.As(err, &je) {
						return v, err
					}
					if isBody(c, s) {
						return v, badRequest(err)
					}
					return v, throw("not valid JSON: " + je.Error())
				},
			},
			&rhai.Native{
				Name: "stringify", Params: params(anyParam("value")), Returns: "string",
				Doc:     "Writes a value as JSON in one line, keys in order. Chars become strings, blobs strings in base64; what JSON cannot say (functions, NaN) throws.",
				Example: `json::stringify(#{ b: 1.0, a: [true, ()] }) // "{\"a\":[true,null],\"b\":1.0}"`,
				Fn:      func(c *rhai.Call) (rhai.Value, error) { return stringify(c, 0) },
			},
			&rhai.Native{
				Name: "stringify", Params: params(anyParam("value"), param("indent", rhai.TInt)), Returns: "string",
				Doc:     "Writes a value as JSON in lines, indented by so many spaces, 0 to 8.",
				Example: `json::stringify([1], 2) // "[\n  1\n]"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					n := number(c, 1)
					if n < 0 || n > 8 {
						return rhai.Value{}, throw(fmt.Sprintf("cannot indent by %d spaces: use 0 to 8", n))
					}
					return stringify(c, int(n))
				},
			},
		)
}

func stringify(c *rhai.Call, indent int) (rhai.Value, error) {
	// The text cannot be longer than what the run may hold.
	limit, r := int64(maxText), runOf(c.Context())
	if r != nil && r.start.Limits.MemoryBytes > 0 {
		limit = min(limit, r.start.Limits.MemoryBytes)
	}
	b, err := writeJSON(c.Arg(0), int(limit), indent)
	if errors.Is(err, errTooLong) {
		tooLong := &limitError{"the memory limit of " + size(limit) + " by a text"}
		if r != nil {
			r.exceeded = tooLong
		}
		return rhai.Value{}, tooLong
	}
	if err != nil {
		return rhai.Value{}, throw(err.Error())
	}
	if err := work(c, len(b)); err != nil {
		return rhai.Value{}, err
	}
	return c.String(unsafe.String(unsafe.SliceData(b), len(b)))
}

// isBody reports whether a text is the body of the request.
func isBody(c *rhai.Call, s string) bool {
	r := runOf(c.Context())
	return r != nil && r.start.Request != nil && s == string(r.start.Request.Body)
}
