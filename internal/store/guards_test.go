package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func TestGuards(t *testing.T) {
	hmac := func(g store.Guard) store.Guard { g.Kind, g.Secret = store.GuardHMAC, "KEY"; return g }
	for _, c := range []struct{ given, want store.Guard }{
		{store.Guard{}, store.Guard{}},
		{store.Guard{Kind: store.GuardUser}, store.Guard{Kind: store.GuardUser}},
		{store.Guard{Kind: store.GuardBasic, Secret: "P", Username: "ada"}, store.Guard{Kind: store.GuardBasic, Secret: "P", Username: "ada"}},
		{hmac(store.Guard{}), hmac(store.Guard{Scheme: store.SchemeGitHub})},
		{hmac(store.Guard{Header: "X-Sig"}), hmac(store.Guard{Header: "X-Sig", Scheme: store.SchemeGeneric, Encoding: store.EncodingHex})},
		{
			hmac(store.Guard{Header: "X-Sig", Prefix: "v1=", Encoding: store.EncodingBase64, TimestampHeader: "X-Time"}),
			hmac(store.Guard{Scheme: store.SchemeGeneric, Header: "X-Sig", Prefix: "v1=", Encoding: store.EncodingBase64, TimestampHeader: "X-Time", Tolerance: 300}),
		},
		{hmac(store.Guard{Scheme: store.SchemeStandard, Tolerance: 60}), hmac(store.Guard{Scheme: store.SchemeStandard, Tolerance: 60})},
	} {
		got, err := c.given.Normal()
		if err != nil || got != c.want {
			t.Errorf("%+v: got %+v, %v", c.given, got, err)
		}
		if again, err := got.Normal(); err != nil || again != got {
			t.Errorf("%+v a second time: %+v, %v", got, again, err)
		}
	}
	for _, c := range []struct {
		field string
		guard store.Guard
	}{
		{"kind", store.Guard{Kind: "magic"}},
		{"secret", store.Guard{Kind: store.GuardUser, Secret: "KEY"}},
		{"secret", store.Guard{Secret: "KEY"}},
		{"secret", store.Guard{Kind: store.GuardBasic, Username: "ada"}},
		{"secret", store.Guard{Kind: store.GuardHMAC, Secret: "no name"}},
		{"username", store.Guard{Kind: store.GuardBasic, Secret: "P"}},
		{"username", store.Guard{Kind: store.GuardBasic, Secret: "P", Username: "a:b"}},
		{"username", hmac(store.Guard{Username: "ada"})},
		{"scheme", store.Guard{Kind: store.GuardBasic, Secret: "P", Username: "ada", Scheme: store.SchemeGitHub}},
		{"scheme", hmac(store.Guard{Scheme: "magic"})},
		{"header", hmac(store.Guard{Scheme: store.SchemeGeneric})},
		{"header", hmac(store.Guard{Scheme: store.SchemeGitHub, Header: "X"})},
		{"header", hmac(store.Guard{Header: "X Y"})},
		{"prefix", hmac(store.Guard{Header: "X", Prefix: "a b"})},
		{"prefix", hmac(store.Guard{Header: "X", Prefix: strings.Repeat("x", 65)})},
		{"encoding", hmac(store.Guard{Header: "X", Encoding: "rot13"})},
		{"timestamp_header", hmac(store.Guard{Header: "X", TimestampHeader: "x"})},
		{"tolerance_seconds", hmac(store.Guard{Header: "X", Tolerance: 5})},
		{"tolerance_seconds", hmac(store.Guard{Tolerance: 5})},
		{"tolerance_seconds", hmac(store.Guard{Scheme: store.SchemeStandard, Tolerance: 3601})},
		{"tolerance_seconds", hmac(store.Guard{Scheme: store.SchemeStandard, Tolerance: -1})},
	} {
		_, err := c.guard.Normal()
		var wrong *store.GuardError
		if !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%+v: %v, want %s to be wrong", c.guard, err, c.field)
		}
	}
	s := store.ManifestScript{Secrets: []string{"A"}, Guard: store.Guard{Secret: "B"}}
	if got := strings.Join(s.RequiredSecrets(), " "); got != "A B" {
		t.Errorf("required: %s", got)
	}
}
