package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func TestBasic(t *testing.T) {
	g := store.Guard{Kind: store.GuardBasic, Username: "Aladdin"}
	for _, c := range []struct {
		header string
		want   error
	}{
		{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", nil}, // the example of RFC 7617
		{"basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", nil},
		{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZTE=", ErrWrongPassword},
		{"Basic QWxhZGRpbjo=", ErrWrongPassword},
		{"Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==", ErrWrongPassword},
		{"Basic nonsense!", ErrNoPassword},
		{"Bearer x", ErrNoPassword},
		{"", ErrNoPassword},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", c.header)
		if err := Basic(g, "open sesame", r); !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.header, err)
		}
	}
}

func signed(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func mac(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func TestSignatures(t *testing.T) {
	github := store.Guard{Kind: store.GuardHMAC, Scheme: store.SchemeGitHub}
	standard := store.Guard{Kind: store.GuardHMAC, Scheme: store.SchemeStandard, Tolerance: 300}
	generic := store.Guard{Kind: store.GuardHMAC, Scheme: store.SchemeGeneric, Header: "X-Sig", Prefix: "v0=", Encoding: store.EncodingHex}
	base64 := store.Guard{Kind: store.GuardHMAC, Scheme: store.SchemeGeneric, Header: "x-sig", Encoding: store.EncodingBase64}
	timed := generic
	timed.TimestampHeader, timed.Tolerance = "X-Time", 60
	// GitHub's own example (docs: "Validating webhook deliveries"), and that of
	// Standard Webhooks' specification.
	const (
		gitHubKey, gitHubBody, gitHubHex = "It's a Secret to Everybody", "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
		standardKey, standardBody        = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`
		standardSig                      = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	)
	at := time.Unix(1614265330, 0)
	webhook := func(at time.Time, sig string) http.Header {
		return signed("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", fmt.Sprint(at.Unix()), "webhook-signature", sig)
	}
	for _, c := range []struct {
		name      string
		guard     store.Guard
		key, body string
		header    http.Header
		want      error
	}{
		{"github", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256="+gitHubHex), nil},
		{"upper case", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256="+strings.ToUpper(gitHubHex)), nil},
		{"another body", github, gitHubKey, gitHubBody + " ", signed("X-Hub-Signature-256", "sha256="+gitHubHex), ErrWrongSignature},
		{"another key", github, gitHubKey + " ", gitHubBody, signed("X-Hub-Signature-256", "sha256="+gitHubHex), ErrWrongSignature},
		{"no prefix", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", gitHubHex), ErrWrongSignature},
		{"cut", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256="+gitHubHex[:62]), ErrWrongSignature},
		{"empty", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256="), ErrWrongSignature},
		{"no hex", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256=zz"), ErrWrongSignature},
		{"two", github, gitHubKey, gitHubBody, signed("X-Hub-Signature-256", "sha256="+gitHubHex, "X-Hub-Signature-256", "sha256="+gitHubHex), ErrWrongSignature},
		{"none", github, gitHubKey, gitHubBody, signed(), ErrNotSigned},
		{"the older header", github, gitHubKey, gitHubBody, signed("X-Hub-Signature", "sha1="+gitHubHex), ErrNotSigned},

		{"generic", generic, gitHubKey, gitHubBody, signed("x-sig", "v0="+gitHubHex), nil},
		{"base64", base64, gitHubKey, gitHubBody, signed("X-Sig", "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc="), nil},
		{"base64 without padding", base64, gitHubKey, gitHubBody, signed("X-Sig", "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc"), nil},
		{"hex for base64", base64, gitHubKey, gitHubBody, signed("X-Sig", gitHubHex), ErrWrongSignature},

		// printf '1614265330.Hello, World!' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
		{"timed, signed without the time", timed, gitHubKey, gitHubBody, signed("x-sig", "v0="+gitHubHex, "x-time", "1614265330"), ErrWrongSignature},
		{"timed, without the time", timed, gitHubKey, gitHubBody, signed("x-sig", "v0="+gitHubHex), ErrNotSigned},
		{"timed, old", timed, gitHubKey, gitHubBody, signed("x-sig", "v0="+gitHubHex, "x-time", "1614265269"), ErrStale},
		{"timed, no number", timed, gitHubKey, gitHubBody, signed("x-sig", "v0="+gitHubHex, "x-time", "2021-02-25"), ErrStale},

		{"standard", standard, standardKey, standardBody, webhook(at, standardSig), nil},
		{"standard, the key without its prefix", standard, standardKey[6:], standardBody, webhook(at, standardSig), nil},
		{"standard, several", standard, standardKey, standardBody, webhook(at, "v1,AAAA v1a,xyz nonsense "+standardSig), nil},
		{"standard, none that fits", standard, standardKey, standardBody, webhook(at, "v1,AAAA v1a,xyz"), ErrWrongSignature},
		{"standard, another version", standard, standardKey, standardBody, webhook(at, "v2"+standardSig[2:]), ErrWrongSignature},
		{"standard, another time", standard, standardKey, standardBody, webhook(at.Add(time.Second), standardSig), ErrWrongSignature},
		{"standard, too old", standard, standardKey, standardBody, webhook(at.Add(-301*time.Second), standardSig), ErrStale},
		{"standard, too new", standard, standardKey, standardBody, webhook(at.Add(301*time.Second), standardSig), ErrStale},
		{"standard, no ID", standard, standardKey, standardBody, signed("webhook-timestamp", "1614265330", "webhook-signature", standardSig), ErrNotSigned},
		{"standard, no key", standard, "not base64!", standardBody, webhook(at, standardSig), ErrBadKey},
	} {
		s, err := ReadSignature(c.guard, c.header, at)
		if err == nil {
			_, err = CheckSignature(c.guard, s, c.key, []byte(c.body))
		}
		if !errors.Is(err, c.want) || err != nil && (strings.Contains(err.Error(), c.key) || strings.Contains(err.Error(), gitHubHex)) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	// A script that signs as the documentation says.
	s := Signature{before: "1614265330."}
	s.given = [][]byte{mac("key", "1614265330.body")}
	if _, err := CheckSignature(timed, s, "key", []byte("body")); err != nil {
		t.Error(err)
	}
}

func TestReplays(t *testing.T) {
	var r Replays
	now := time.Unix(1614265330, 0)
	d := Delivery{ScriptID: "s", ID: [16]byte{1}}
	other := Delivery{ScriptID: "t", ID: [16]byte{1}}
	for _, c := range []struct {
		d     Delivery
		after time.Duration
		want  error
	}{{d, 0, nil}, {d, 0, ErrReplayed}, {other, 0, nil}, {d, 299 * time.Second, ErrReplayed}, {d, 300 * time.Second, nil}, {d, 301 * time.Second, ErrReplayed}} {
		at := now.Add(c.after)
		if err := r.Take(c.d, at.Add(300*time.Second), at); !errors.Is(err, c.want) {
			t.Errorf("after %v: %v, want %v", c.after, err, c.want)
		}
	}
	r.Forget(d)
	if err := r.Take(d, now.Add(time.Hour), now.Add(302*time.Second)); err != nil {
		t.Errorf("what was forgotten: %v", err)
	}
	if len(r.seen) != 1 {
		t.Errorf("%d are remembered: what expired is not forgotten", len(r.seen))
	}
}
