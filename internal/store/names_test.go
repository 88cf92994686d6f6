package store_test

import (
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", store.MaxNameLength)
	for _, c := range []struct {
		name         string
		slug, script string // what the error says; empty: accepted
	}{
		{"a", "", ""},
		{"0", "", ""},
		{"my-app-2", "", ""},
		{"a--b", "", ""},
		{long, "", ""},
		{"a_b", `contains '_': allowed are lower-case letters a-z, digits and hyphens`, ""},
		{long + "a", "64 characters long: at most 63", "64 characters long: at most 63"},
		{"", "the slug is empty", "the script name is empty"},
		{"-a", "must begin and end", "must begin and end"},
		{"a-", "must begin and end", "must begin and end"},
		{"_a", "contains '_'", "must begin and end"},
		{"Demo", "contains 'D'", "contains 'D'"},
		{"a b", "contains ' '", "contains ' '"},
		{"a/b", "contains '/'", "contains '/'"},
		{"a.b", "contains '.'", "contains '.'"},
		{"größe", "contains 'ö'", "contains 'ö'"},
		{"a\x00b", `contains '\x00'`, `contains '\x00'`},
		{"a\xffb", "contains '\uFFFD'", "contains '\uFFFD'"},
		{"api", "reserved", ""},
		{"healthz", "reserved", ""},
		{"readyz", "reserved", ""},
		{"metrics", "reserved", ""},
		{"favicon.ico", "reserved", "contains '.'"},
		{".well-known", "reserved", "contains '.'"},
	} {
		for _, check := range []struct {
			what string
			err  error
			want string
		}{
			{"CheckSlug", store.CheckSlug(c.name), c.slug},
			{"CheckScriptName", store.CheckScriptName(c.name), c.script},
		} {
			switch {
			case check.want == "" && check.err != nil:
				t.Errorf("%s(%q) = %v, want it accepted", check.what, c.name, check.err)
			case check.want != "" && check.err == nil:
				t.Errorf("%s(%q) accepted, want an error with %q", check.what, c.name, check.want)
			case check.want != "" && !strings.Contains(check.err.Error(), check.want):
				t.Errorf("%s(%q) = %q, want %q in it", check.what, c.name, check.err, check.want)
			}
		}
	}
}
