package exchange

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const sample = `# A comment.
> POST /orders?x=1
> content-type: application/json
>
> {"a":
>  1}
< 201
< location: /^\/orders\/\d+$/
< allow: GET, POST
<
< {"id": "*", "lines": [{"n": 1}]}

> GET /
< 204
`

func parse(t *testing.T, text string) []Exchange {
	t.Helper()
	xs, err := Parse("sample", text)
	if err != nil {
		t.Fatal(err)
	}
	return xs
}

func TestParse(t *testing.T) {
	xs := parse(t, sample)
	if len(xs) != 2 {
		t.Fatalf("%d exchanges, want 2", len(xs))
	}
	req, err := xs[0].Request(t.Context(), "http://pi/demo/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(req.Body)
	if req.Method != "POST" || req.URL.String() != "http://pi/demo/orders?x=1" ||
		req.Header.Get("Content-Type") != "application/json" || string(body) != "{\"a\":\n 1}" {
		t.Errorf("request %s %s %v %q", req.Method, req.URL, req.Header, body)
	}
	if xs[0].Line != 2 || xs[1].Line != 13 || xs[1].Status != 204 || xs[1].WantBody != nil {
		t.Errorf("%+v", xs)
	}
}

func TestCheck(t *testing.T) {
	x := parse(t, sample)[0]
	good := func() http.Header {
		return http.Header{"Location": {"/orders/7"}, "Allow": {"GET", "POST"}, "Content-Type": {"application/json"}}
	}
	if err := x.Check(201, good(), []byte(`{"lines":[{"n":1}],"id":9}`)); err != nil {
		t.Errorf("a right answer: %v", err)
	}
	for want, c := range map[string]struct {
		status int
		header func(http.Header)
		body   string
	}{
		"status 200, want 201":             {200, nil, `{"lines":[{"n":1}],"id":9}`},
		`header location: "" does not`:     {201, func(h http.Header) { h.Del("Location") }, `{"lines":[{"n":1}],"id":9}`},
		`header allow: "GET", want`:        {201, func(h http.Header) { h.Set("Allow", "GET") }, `{"lines":[{"n":1}],"id":9}`},
		"the body differs (-want +got)":    {201, nil, `{"lines":[{"n":2}],"id":9}`},
		"the body is no JSON":              {201, nil, `{"lines"`},
		"the body differs (-want +got):\n": {201, nil, `{"lines":[{"n":1}]}`},
		"the body differs":                 {201, nil, `{"lines":[{"n":1}],"id":9,"more":1}`},
	} {
		h := good()
		if c.header != nil {
			c.header(h)
		}
		if err := x.Check(c.status, h, []byte(c.body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestMatchText(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb", "a  \nb\n", true},
		{"a\nb", "a\nc", false},
		{"a", "a\nb", false},
		{"…\nb\n…", "x\ny\nb", true},
		{"…\nb", "x\nb\nc", false},
		{"…", "", true},
		{"id=… time=…", "id=3 time=9", true},
		{"id=…", "time=9", false},
		{"…a…b…", "xaxbx", true},
		{"a…a", "a", false},
	} {
		if err := MatchText(c.want, c.got); (err == nil) != c.ok {
			t.Errorf("MatchText(%q, %q): %v", c.want, c.got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"< 200":                      "s:1: an answer without a request before it",
		"> GET /":                    "s:1: a request without an answer",
		"\n> GET x\n< 200":           `s:2: "GET x" is no METHOD /PATH`,
		"> GET /\n< ok":              `s:1: "ok" is no HTTP status`,
		"> GET /\n> nonsense\n< 200": `s:1: "nonsense" is no NAME: VALUE`,
		"> GET /\n< 200\n< nonsense": `s:1: "nonsense" is no NAME: VALUE`,
		"hello":                      `s:1: "hello" starts with none of > < #`,
		"> GET /\n< 200\n< a: /(/\n": "s:1: error parsing regexp: missing closing ): `(`",
	} {
		if _, err := Parse("s", text); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v, want %s", text, err, want)
		}
	}
}
