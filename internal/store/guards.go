package store

import (
	"errors"
	"fmt"
	"strings"
)

// Guard says who may call an endpoint. The zero value: anybody.
type Guard struct {
	Kind GuardKind `json:"kind,omitempty"`
	// Secret names the app's secret that callers must know: GuardBasic's password,
	// GuardHMAC's key.
	Secret   string `json:"secret,omitempty"`
	Username string `json:"username,omitempty"` // GuardBasic

	// The rest is GuardHMAC's. With a scheme of its own everything but Tolerance
	// follows from that.
	Scheme          Scheme   `json:"scheme,omitempty"`
	Header          string   `json:"header,omitempty"` // that holds the signature
	Prefix          string   `json:"prefix,omitempty"` // before it in the header, such as sha256=
	Encoding        Encoding `json:"encoding,omitempty"`
	TimestampHeader string   `json:"timestamp_header,omitempty"` // in seconds since 1970; signed as "TIMESTAMP.BODY"; empty: none
	Tolerance       int64    `json:"tolerance,omitempty"`        // seconds that the timestamp may be away from now
}

// GuardKind is what callers have to show.
type GuardKind string

// The kinds of guards.
const (
	GuardAPIKey GuardKind = "api-key" // an API key, or session, of somebody who may invoke the app's scripts
	GuardUser   GuardKind = "user"    // that they are a user of the instance
	GuardBasic  GuardKind = "basic"   // a name and a password, as in RFC 7617
	GuardHMAC   GuardKind = "hmac"    // a signature of the body, HMAC-SHA256
)

// Scheme says how a signature travels and what is signed.
type Scheme string

// The schemes.
const (
	SchemeGeneric  Scheme = "generic"           // as the Guard's other fields say
	SchemeGitHub   Scheme = "github"            // X-Hub-Signature-256: sha256=HEX, of the body
	SchemeStandard Scheme = "standard-webhooks" // https://www.standardwebhooks.com: ID, timestamp and body
)

// Encoding is how a signature is written.
type Encoding string

// The encodings.
const (
	EncodingHex    Encoding = "hex"
	EncodingBase64 Encoding = "base64"
)

// The bounds of a Guard's tolerance, in seconds.
const (
	DefaultTolerance = 300
	MaxTolerance     = 3600
)

// GuardError says which field of a guard is wrong, by its name in JSON.
type GuardError struct {
	Field string
	err   error
}

func (e *GuardError) Error() string { return e.Field + " " + e.err.Error() }

// Unwrap returns what is wrong with the field.
func (e *GuardError) Unwrap() error { return e.err }

// Normal returns g with the defaults in the place of what it does not say, or a
// *GuardError when it says something impossible.
func (g Guard) Normal() (Guard, error) {
	wrong := func(field, format string, args ...any) (Guard, error) {
		return Guard{}, &GuardError{field, fmt.Errorf(format, args...)}
	}
	only := func(field, value string, kind string) error {
		if value == "" {
			return nil
		}
		return &GuardError{field, errors.New("belongs to " + kind)}
	}
	switch g.Kind {
	case "", GuardAPIKey, GuardUser:
		return g, only("secret", g.Secret+g.Username+string(g.Scheme)+g.Header+g.Prefix+string(g.Encoding)+g.TimestampHeader, "the guards basic and hmac")
	case GuardBasic, GuardHMAC:
	default:
		return wrong("kind", "%q is not known", g.Kind)
	}
	if g.Secret == "" {
		return wrong("secret", "is missing: name one of the app's secrets")
	}
	if err := CheckSettingName(g.Secret); err != nil {
		return wrong("secret", "must name one of the app's secrets: %w", err)
	}
	if g.Kind == GuardBasic {
		if g.Username == "" || len(g.Username) > 128 || strings.ContainsFunc(g.Username, func(r rune) bool { return r < ' ' || r == 127 || r == ':' }) {
			return wrong("username", "must be a name of 1 to 128 bytes, without a colon and control characters")
		}
		return g, only("scheme", string(g.Scheme)+g.Header+g.Prefix+string(g.Encoding)+g.TimestampHeader, "the guard hmac")
	}
	if err := only("username", g.Username, "the guard basic"); err != nil {
		return Guard{}, err
	}
	if g.Scheme == "" {
		g.Scheme = SchemeGitHub
		if g.Header != "" {
			g.Scheme = SchemeGeneric
		}
	}
	switch g.Scheme {
	case SchemeGitHub, SchemeStandard:
		if err := only("header", g.Header+g.Prefix+string(g.Encoding)+g.TimestampHeader, "the scheme generic"); err != nil {
			return Guard{}, err
		}
	case SchemeGeneric:
		if !token(g.Header) {
			return wrong("header", "must name the header that holds the signature, such as X-Signature")
		}
		if g.TimestampHeader != "" && (!token(g.TimestampHeader) || strings.EqualFold(g.TimestampHeader, g.Header)) {
			return wrong("timestamp_header", "must name another header")
		}
		if len(g.Prefix) > 64 || strings.ContainsFunc(g.Prefix, func(r rune) bool { return r <= ' ' || r >= 127 }) {
			return wrong("prefix", "must be up to 64 visible ASCII characters")
		}
		if g.Encoding == "" {
			g.Encoding = EncodingHex
		}
		if g.Encoding != EncodingHex && g.Encoding != EncodingBase64 {
			return wrong("encoding", "must be hex or base64")
		}
	default:
		return wrong("scheme", "must be generic, github or standard-webhooks")
	}
	timed := g.Scheme == SchemeStandard || g.TimestampHeader != ""
	switch {
	case g.Tolerance < 0 || g.Tolerance > MaxTolerance:
		return wrong("tolerance_seconds", "must be from 1 to %d", MaxTolerance)
	case !timed && g.Tolerance > 0:
		return wrong("tolerance_seconds", "needs a timestamp, which this scheme has not")
	case timed && g.Tolerance == 0:
		g.Tolerance = DefaultTolerance
	}
	return g, nil
}

// token reports whether s can name a header: RFC 9110's token, up to 64 bytes.
func token(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
