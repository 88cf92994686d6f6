package executor

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
	"unsafe"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/rhai"
)

// The headers of the usual answers. They are shared: never written.
var (
	textHeader    = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	htmlHeader    = http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	jsonHeader    = http.Header{"Content-Type": {"application/json"}}
	bytesHeader   = http.Header{"Content-Type": {"application/octet-stream"}}
	problemHeader = http.Header{"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"}}
)

// response is an answer under construction. Assigning it does not copy it.
type response struct {
	status  int
	header  http.Header
	ownHead bool // header is this response's own
	body    []byte
}

var responseType = rhai.NewType[*response]("Response").
	Describe("An HTTP response. `response`, `json`, `text`, `html` and `redirect` make one; its methods change it and return it.").
	MemSize(func(r *response) int64 { return int64(200 + len(r.body) + 100*len(r.header)) }).
	Print(func(r *response) string { return fmt.Sprintf("Response %d", r.status) })

func responseOf(c *rhai.Call) *response {
	v, _, _ := c.Arg(0).AsHost()
	return v.(*response)
}

// set replaces a header, in one of the response's own.
func (r *response) set(name, value string) { r.own()[name] = []string{value} }

func (r *response) own() http.Header {
	if !r.ownHead {
		h := make(http.Header, len(r.header)+1)
		for k, v := range r.header {
			h[k] = v
		}
		r.header, r.ownHead = h, true
	}
	return r.header
}

// write sets the body and its content type.
func (r *response) write(c *rhai.Call, body []byte, as http.Header) error {
	if err := c.Alloc(len(body)); err != nil {
		return err
	}
	if err := runLimit(c, len(body)); err != nil {
		return err
	}
	r.body = body
	if len(r.header) == 0 {
		r.header, r.ownHead = as, false
	} else {
		r.own()["Content-Type"] = as["Content-Type"]
	}
	return nil
}

// runLimit checks a body against the limit of responses.
func runLimit(c *rhai.Call, n int) error {
	r := runOf(c.Context())
	if r == nil {
		return nil
	}
	return r.checkResponse(n)
}

func (r *run) checkResponse(n int) error {
	if limit := r.start.Limits.ResponseBytes; limit > 0 && int64(n) > limit {
		r.exceeded = &limitError{fmt.Sprintf("the limit of %d bytes of a response", limit)}
		return r.exceeded
	}
	return nil
}

// encode writes v as JSON within the limit of responses.
func encode(c *rhai.Call, v rhai.Value) ([]byte, error) {
	limit := maxText
	r := runOf(c.Context())
	if r != nil && r.start.Limits.ResponseBytes > 0 {
		limit = int(min(r.start.Limits.ResponseBytes, int64(limit)))
	}
	b, err := writeJSON(v, limit, 0)
	if errors.Is(err, errTooLong) && r != nil {
		return nil, r.checkResponse(limit + 1)
	}
	if err != nil {
		return nil, throw(err.Error())
	}
	return b, work(c, len(b))
}

// maxText bounds a text that a host function makes, in bytes.
const maxText = 64 << 20

func newResponse(c *rhai.Call, r *response) (rhai.Value, error) {
	return rhai.Host(responseType.HostType(), r), c.Alloc(200)
}

func checkStatus(n int64) error {
	if n < 200 || n > 599 {
		return throw(fmt.Sprintf("%d is not the status of a response: use 200 to 599", n))
	}
	return nil
}

func responseMethod(name string, p []rhai.Param, doc, example string, f func(*rhai.Call, *response) error) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: append(params(hostParam("response", responseType.HostType())), p...), Returns: "Response", Doc: doc, Example: example,
		Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := responseOf(c)
			if err := f(c, r); err != nil {
				return rhai.Value{}, err
			}
			return rhai.Host(responseType.HostType(), r), nil
		},
	}
}

func maker(name string, p []rhai.Param, doc, example string, f func(*rhai.Call, *response) error) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: p, Returns: "Response", Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := &response{status: http.StatusOK}
			if err := f(c, r); err != nil {
				return rhai.Value{}, err
			}
			return newResponse(c, r)
		},
	}
}

func writeText(i int, as http.Header) func(*rhai.Call, *response) error {
	return func(c *rhai.Call, r *response) error { return r.write(c, []byte(text(c, i)), as) }
}

func writeValue(i int) func(*rhai.Call, *response) error {
	return func(c *rhai.Call, r *response) error {
		b, err := encode(c, c.Arg(i))
		if err != nil {
			return err
		}
		return r.write(c, b, jsonHeader)
	}
}

// writeData sets a body whose content type only its author knows: one that is
// already set stays.
func writeData(i int) func(*rhai.Call, *response) error {
	return func(c *rhai.Call, r *response) error {
		b, as := []byte(nil), bytesHeader
		if blob, ok := c.Arg(i).AsBlob(); ok {
			b = append(b, blob...)
		} else {
			b, as = []byte(text(c, i)), textHeader
		}
		if kind := r.header["Content-Type"]; kind != nil {
			as = http.Header{"Content-Type": kind}
		}
		return r.write(c, b, as)
	}
}

func responseFunctions() []*rhai.Native {
	status := param("status", rhai.TInt)
	list := []*rhai.Native{
		maker("response", params(status), "An answer with that status and no body.", `response(404).status // 404`,
			func(c *rhai.Call, r *response) error {
				r.status = int(number(c, 0))
				return checkStatus(number(c, 0))
			}),
		maker("json", params(anyParam("value")), "An answer of `value` as JSON: `()` is null, a char a string, a blob a string in base64.",
			`json(#{ ok: true }).status // 200`, writeValue(0)),
		maker("text", params(textParam("text")), "An answer of plain text.", `text("hello").status(201).status // 201`, writeText(0, textHeader)),
		maker("html", params(textParam("html")), "An answer of an HTML page. `html::escape` makes text fit to stand in it.", `html("<h1>Hi</h1>").status // 200`, writeText(0, htmlHeader)),
		maker("redirect", params(textParam("url")), "An answer that sends the client to another address (302; with `.status(303)` and others another way).",
			`redirect("/login").status // 302`, func(c *rhai.Call, r *response) error {
				r.status = http.StatusFound
				to, err := location(text(c, 0))
				if err != nil {
					return err
				}
				r.set("Location", to)
				return nil
			}),
		responseMethod("status", params(status), "Sets the status, 200 to 599.", `json(1).status(201).status // 201`,
			func(c *rhai.Call, r *response) error {
				r.status = int(number(c, 1))
				return checkStatus(number(c, 1))
			}),
		responseMethod("header", params(textParam("name"), anyParam("value")), "Sets a header; `set-cookie`, `link` and `vary` are added to those there are.",
			`text("").header("cache-control", "no-store").status // 200`, setHeader),
		responseMethod("set_cookie", params(textParam("name"), textParam("value")), "Sets a cookie for the session of the browser, `Path=/; HttpOnly; SameSite=Lax`. "+
			"On the control host pages are sandboxed: apps that need cookies use a host of their own.",
			`text("").set_cookie("theme", "dark").status // 200`, func(c *rhai.Call, r *response) error { return setCookie(c, r, rhai.Unit()) }),
		responseMethod("set_cookie", params(textParam("name"), textParam("value"), param("options", rhai.TMap)),
			"Sets a cookie. Options: `max_age` (seconds; 0 deletes it), `path`, `domain`, `secure`, `http_only`, `same_site` (`strict`, `lax`, `none`).",
			`text("").set_cookie("theme", "dark", #{ max_age: 3600, secure: true }).status // 200`,
			func(c *rhai.Call, r *response) error { return setCookie(c, r, c.Arg(3)) }),
		responseMethod("body", params(dataParam("body")), "Sets the body, text or bytes. A content type that was set before stays.", `response(200).body("hello").status // 200`, writeData(1)),
		responseMethod("json", params(anyParam("value")), "Sets the body to `value` as JSON.", `response(409).json(#{ error: "taken" }).status // 409`, writeValue(1)),
		responseMethod("text", params(textParam("text")), "Sets the body to plain text.", `response(404).text("no such thing").status // 404`, writeText(1, textHeader)),
		responseMethod("html", params(textParam("html")), "Sets the body to an HTML page.", `response(404).html("<h1>Not here</h1>").status // 404`, writeText(1, htmlHeader)),
		{
			Name: "get$status", Params: params(hostParam("response", responseType.HostType())), Returns: "int", Doc: "The status.", Example: `response(204).status // 204`,
			Effects: rhai.Volatile,
			Fn:      func(c *rhai.Call) (rhai.Value, error) { return rhai.Int(int64(responseOf(c).status)), nil },
		},
	}
	return append(list, httpErrorFunctions()...)
}

// location makes a URL fit for the header: what is not ASCII is escaped.
func location(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch < ' ' || ch == 0x7f:
			return "", throw("the address of a redirect contains a control character")
		case ch == ' ' || ch >= 0x80:
			fmt.Fprintf(&b, "%%%02X", ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String(), nil
}

const maxHeaders = 64 << 10 // bytes of all headers of a response

func setHeader(c *rhai.Call, r *response) error {
	name := text(c, 1)
	value, err := headerValue(name, c.Arg(2))
	if err != nil {
		return throw(err.Error())
	}
	return r.header1(name, value)
}

// headerValue is a script's value for a header; the error is to be thrown.
func headerValue(name string, v rhai.Value) (string, error) {
	switch v.Kind() {
	case rhai.KindString, rhai.KindInt, rhai.KindFloat, rhai.KindBool, rhai.KindChar:
		return v.String(), checkHeader(name, v.String())
	}
	return "", fmt.Errorf("the value of the header %s must be text or a number", name)
}

// checkHeader returns why there can be no such header.
func checkHeader(name, value string) error {
	if !validToken(name) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	for i := 0; i < len(value); i++ {
		if ch := value[i]; (ch < ' ' && ch != '\t') || ch == 0x7f {
			return fmt.Errorf("the value of the header %s contains a line break or another control character", name)
		}
	}
	return nil
}

// header1 sets or adds one header after checking that it can be one.
func (r *response) header1(name, value string) error {
	if err := checkHeader(name, value); err != nil {
		return throw(err.Error())
	}
	size := len(name) + len(value)
	for k, vs := range r.header {
		for _, v := range vs {
			size += len(k) + len(v)
		}
	}
	if size > maxHeaders {
		return throw(fmt.Sprintf("the headers of the response are larger than %d bytes", maxHeaders))
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	h := r.own()
	switch name {
	case "Set-Cookie", "Link", "Vary":
		h[name] = append(h[name][:len(h[name]):len(h[name])], strings.Clone(value))
	default:
		h[name] = []string{strings.Clone(value)}
	}
	return nil
}

// validToken reports whether s is a token of RFC 9110: a header's or cookie's name.
func validToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if ch := s[i]; ch <= ' ' || ch >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, ch) >= 0 {
			return false
		}
	}
	return s != ""
}

func setCookie(c *rhai.Call, r *response, options rhai.Value) error {
	name, value := text(c, 1), text(c, 2)
	if !validToken(name) {
		return throw(fmt.Sprintf("%q is not the name of a cookie", name))
	}
	for i := 0; i < len(value); i++ {
		if ch := value[i]; ch <= ' ' || ch >= 0x7f || ch == '"' || ch == ',' || ch == ';' || ch == '\\' {
			return throw(fmt.Sprintf("the value of the cookie %s contains a character that cookies cannot have: encode it, with url::encode for example", name))
		}
	}
	k := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	var err error
	options.EachEntry(func(option string, v rhai.Value) bool {
		err = cookieOption(k, option, v)
		return err == nil
	})
	if err != nil {
		return err
	}
	if k.SameSite == http.SameSiteNoneMode {
		k.Secure = true // browsers refuse it otherwise
	}
	line := k.String()
	if line == "" {
		return throw("the options of the cookie " + name + " make no valid cookie")
	}
	return r.header1("Set-Cookie", line)
}

func cookieOption(k *http.Cookie, option string, v rhai.Value) error {
	s, isText := v.AsString()
	b, isBool := v.AsBool()
	n, isInt := v.AsInt()
	switch {
	case option == "max_age" && isInt:
		if k.MaxAge = int(n); n <= 0 {
			k.MaxAge = -1
			k.Expires = time.Unix(1, 0)
		}
	case option == "path" && isText:
		k.Path = s
	case option == "domain" && isText:
		k.Domain = s
	case option == "secure" && isBool:
		k.Secure = b
	case option == "http_only" && isBool:
		k.HttpOnly = b
	case option == "same_site" && isText && strings.EqualFold(s, "strict"):
		k.SameSite = http.SameSiteStrictMode
	case option == "same_site" && isText && strings.EqualFold(s, "lax"):
		k.SameSite = http.SameSiteLaxMode
	case option == "same_site" && isText && strings.EqualFold(s, "none"):
		k.SameSite = http.SameSiteNoneMode
	default:
		return throw(cookieEntries.wrong(option, v))
	}
	return nil
}

// respond turns a script's value into the run's response.
func (r *run) respond(v rhai.Value) error {
	switch v.Kind() {
	case rhai.KindUnit:
		r.response.Status = http.StatusNoContent
		return nil
	case rhai.KindString:
		s, _ := v.AsString()
		return r.answer(textHeader, textBytes(s))
	case rhai.KindBlob:
		b, _ := v.AsBlob()
		return r.answer(bytesHeader, b)
	case rhai.KindHost:
		h, _, _ := v.AsHost()
		switch h := h.(type) {
		case *response:
			r.response = invoke.Response{Status: h.status, Header: h.header, Body: h.body}
			return r.checkResponse(len(h.body))
		case *httpError:
			return errors.New("the script returned an http_error instead of throwing it: write `throw http_error(…)`")
		}
	}
	limit := maxText
	if l := r.start.Limits.ResponseBytes; l > 0 {
		limit = int(min(l, int64(limit)))
	}
	b, err := writeJSON(v, limit, 0)
	if errors.Is(err, errTooLong) {
		return r.checkResponse(limit + 1)
	}
	if err != nil {
		return &answerError{err}
	}
	return r.answer(jsonHeader, b)
}

func (r *run) answer(h http.Header, body []byte) error {
	if err := r.checkResponse(len(body)); err != nil {
		return err
	}
	r.response = invoke.Response{Status: http.StatusOK, Header: h, Body: body}
	return nil
}

// textBytes are the bytes of s as they are, not to be written: a script's texts do not change.
func textBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// answerError says that the script's value is none that can be sent.
type answerError struct{ err error }

func (e *answerError) Error() string {
	return "the script's value cannot be the answer: " + e.err.Error()
}
func (e *answerError) Unwrap() error { return e.err }
