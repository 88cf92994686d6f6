package executor

import (
	"net/url"
	"strings"

	"github.com/picloud/picloud/rhai"
)

func urlModule() *rhai.Module {
	return rhai.NewModule("url").
		Describe("Takes addresses apart and puts them together.").
		Register(
			&rhai.Native{
				Name: "encode", Params: params(textParam("text")), Returns: "string",
				Doc:     "Percent-encodes text so that it can be a part of a path or the value of a parameter.",
				Example: `url::encode("tea & cake/1") // "tea%20%26%20cake%2F1"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					if err := work(c, len(s)); err != nil {
						return rhai.Value{}, err
					}
					return c.String(encodeURL(s))
				},
			},
			&rhai.Native{
				Name: "decode", Params: params(textParam("text")), Returns: "string",
				Doc:     "Undoes `encode`; a plus sign is a space, too. A malformed escape throws.",
				Example: `url::decode("tea+%26%20cake") // "tea & cake"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					if err := work(c, len(s)); err != nil {
						return rhai.Value{}, err
					}
					d, err := url.QueryUnescape(s)
					if err != nil {
						return rhai.Value{}, throw(err.Error())
					}
					return c.String(clean(d))
				},
			},
			&rhai.Native{
				Name: "parse", Params: params(textParam("url")), Returns: "map",
				Doc:     "Takes an address apart: `scheme`, `username`, `host`, `port`, `path`, `query`, `fragment`, each a text and empty if missing. A malformed address throws.",
				Example: `url::parse("https://example.com:8443/a%20b?c=d#e") // {"fragment":"e","host":"example.com","path":"/a b","port":"8443","query":"c=d","scheme":"https","username":""}`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					u, err := url.Parse(text(c, 0))
					if err != nil {
						return rhai.Value{}, throw(err.Error())
					}
					return textMap(c,
						pair{"scheme", u.Scheme}, pair{"username", u.User.Username()}, pair{"host", u.Hostname()}, pair{"port", u.Port()},
						pair{"path", u.Path}, pair{"query", u.RawQuery}, pair{"fragment", u.Fragment})
				},
			},
			&rhai.Native{
				Name: "join", Params: params(textParam("base"), textParam("reference")), Returns: "string",
				Doc:     "Resolves a reference as a browser does on a page with the address `base`.",
				Example: `url::join("https://example.com/a/b", "../c?d=1") // "https://example.com/c?d=1"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					base, err := url.Parse(text(c, 0))
					if err != nil {
						return rhai.Value{}, throw(err.Error())
					}
					u, err := base.Parse(text(c, 1))
					if err != nil {
						return rhai.Value{}, throw(err.Error())
					}
					return c.String(u.String())
				},
			},
			&rhai.Native{
				Name: "parse_query", Params: params(textParam("query")), Returns: "map",
				Doc:     "Reads a query into a map from each name to the array of its values. What is malformed is left out.",
				Example: `url::parse_query("tag=a&tag=b&sort=") // {"sort":[""],"tag":["a","b"]}`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					if err := c.Charge(1 + len(s)/8); err != nil {
						return rhai.Value{}, err
					}
					var entries []rhai.Entry
					for name, values := range parseQuery(s) {
						v, err := texts(c, values)
						if err != nil {
							return rhai.Value{}, err
						}
						entries = append(entries, rhai.Entry{Key: clean(name), Value: v})
					}
					return newMap(c, entries...)
				},
			},
			&rhai.Native{
				Name: "build_query", Params: params(param("parameters", rhai.TMap)), Returns: "string",
				Doc:     "Writes a query from a map of names to values, or to arrays of values, by name.",
				Example: `url::build_query(#{ q: "tea & cake", tag: ["a", "b"], page: 2 }) // "page=2&q=tea%20%26%20cake&tag=a&tag=b"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s, err := buildQuery(c, c.Arg(0))
					if err != nil {
						return rhai.Value{}, err
					}
					return c.String(s)
				},
			},
		)
}

// buildQuery writes a query from a map. Its memory is charged by the caller.
func buildQuery(c *rhai.Call, m rhai.Value) (string, error) {
	var parts []string
	size := 0
	var err error
	add := func(name string, v rhai.Value) {
		part := encodeURL(name) + "=" + encodeURL(scalarText(v))
		size += len(part)
		parts = append(parts, part)
		err = work(c, len(part))
	}
	m.EachEntry(func(name string, v rhai.Value) bool {
		list, ok := v.AsArray()
		if !ok {
			list = []rhai.Value{v}
		}
		for _, v := range list {
			if add(name, v); err != nil {
				return false
			}
		}
		return size < maxText
	})
	return strings.Join(parts, "&"), err
}

// encodeURL percent-encodes everything but RFC 3986's unreserved characters.
func encodeURL(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !unreserved(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if ch := s[i]; unreserved(ch) {
			b = append(b, ch)
		} else {
			b = append(b, '%', "0123456789ABCDEF"[ch>>4], "0123456789ABCDEF"[ch&15])
		}
	}
	return string(b)
}

func unreserved(ch byte) bool {
	return ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || ch == '-' || ch == '.' || ch == '_' || ch == '~'
}

// scalarText is a value as a parameter of an address: nothing for what is no
// text, number or truth value.
func scalarText(v rhai.Value) string {
	switch v.Kind() {
	case rhai.KindArray, rhai.KindMap, rhai.KindBlob, rhai.KindFn, rhai.KindHost:
		return ""
	}
	return v.String()
}

// texts makes an array of texts.
func texts(c *rhai.Call, list []string) (rhai.Value, error) {
	if err := c.Alloc(32 + 16*len(list)); err != nil {
		return rhai.Value{}, err
	}
	elems := make([]rhai.Value, len(list))
	for i, s := range list {
		v, err := c.String(clean(s))
		if err != nil {
			return rhai.Value{}, err
		}
		elems[i] = v
	}
	return rhai.Array(elems), nil
}
