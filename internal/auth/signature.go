package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// The refusals of guards that a secret keeps.
var (
	// ErrNoPassword says that a request came without a name and password.
	ErrNoPassword = errors.New("this endpoint is guarded: send a name and a password (HTTP Basic)")
	// ErrWrongPassword says that they were wrong.
	ErrWrongPassword = errors.New("the name or the password is wrong")
	// ErrNotSigned says that a request came without a signature.
	ErrNotSigned = errors.New("this endpoint is guarded: sign the request")
	// ErrWrongSignature says that the signature is not one of this request.
	ErrWrongSignature = errors.New("the signature does not match")
	// ErrStale says that a request was signed too long ago, or in the future.
	ErrStale = errors.New("the request's timestamp is too far from now")
	// ErrReplayed says that the same signed request was taken before.
	ErrReplayed = errors.New("this signed request was taken before")
)

// Basic reports whether r shows the guard's name and password: nil,
// ErrNoPassword or ErrWrongPassword. It takes as long for any wrong one.
func Basic(g store.Guard, password string, r *http.Request) error {
	name, given, ok := r.BasicAuth()
	if !ok {
		return ErrNoPassword
	}
	// Hashes, so that the comparison does not tell lengths.
	a, b := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(g.Username))
	c, d := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(a[:], b[:])&subtle.ConstantTimeCompare(c[:], d[:]) != 1 {
		return ErrWrongPassword
	}
	return nil
}

// The headers of the schemes.
const (
	gitHubHeader      = "X-Hub-Signature-256"
	standardID        = "Webhook-Id"
	standardTimestamp = "Webhook-Timestamp"
	standardSignature = "Webhook-Signature"
)

// Signature is one that a request came with.
type Signature struct {
	given  [][]byte // any of which may match
	before string   // what is signed before the body
	// Expires is until when the request must not be taken again; zero: the scheme
	// has no timestamp, so nobody can tell a replay from a second delivery.
	Expires time.Time
}

// ReadSignature returns the signature of a request with the headers h, at a time,
// as the guard says: ErrNotSigned, ErrWrongSignature or ErrStale without a usable
// one. Whether it matches is CheckSignature's to say.
func ReadSignature(g store.Guard, h http.Header, now time.Time) (s Signature, err error) {
	switch g.Scheme {
	case store.SchemeStandard:
		id, at, sig := h.Get(standardID), h.Get(standardTimestamp), h.Get(standardSignature)
		if id == "" || at == "" || sig == "" {
			return s, fmt.Errorf("%w: the headers %s, %s and %s must be there", ErrNotSigned, standardID, standardTimestamp, standardSignature)
		}
		for version := range strings.FieldsSeq(sig) {
			if text, ok := strings.CutPrefix(version, "v1,"); ok {
				if b, err := base64.StdEncoding.DecodeString(text); err == nil {
					s.given = append(s.given, b)
				}
			}
		}
		s.before = id + "." + at + "."
		s.Expires, err = fresh(at, g.Tolerance, now)
	case store.SchemeGitHub:
		s.given, err = plainSignature(h, gitHubHeader, "sha256=", store.EncodingHex)
	default:
		if s.given, err = plainSignature(h, g.Header, g.Prefix, g.Encoding); err == nil && g.TimestampHeader != "" {
			at := h.Get(g.TimestampHeader)
			if at == "" {
				return s, fmt.Errorf("%w: the header %s must be there", ErrNotSigned, g.TimestampHeader)
			}
			s.before = at + "."
			s.Expires, err = fresh(at, g.Tolerance, now)
		}
	}
	if err == nil && len(s.given) == 0 {
		err = ErrWrongSignature
	}
	return s, err
}

// plainSignature reads a signature that stands by itself in a header.
func plainSignature(h http.Header, header, prefix string, encoding store.Encoding) ([][]byte, error) {
	values := h.Values(header)
	if len(values) == 0 {
		return nil, fmt.Errorf("%w: the header %s must be there", ErrNotSigned, header)
	}
	text, ok := strings.CutPrefix(values[0], prefix)
	if !ok || len(values) > 1 {
		return nil, ErrWrongSignature
	}
	var b []byte
	var err error
	if encoding == store.EncodingBase64 {
		b, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	} else {
		b, err = hex.DecodeString(text)
	}
	if err != nil {
		return nil, ErrWrongSignature
	}
	return [][]byte{b}, nil
}

// fresh returns until when a timestamp is near enough to now, or ErrStale.
func fresh(text string, tolerance int64, now time.Time) (expires time.Time, err error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return expires, fmt.Errorf("%w: it must be in seconds since 1970", ErrStale)
	}
	at, most := time.Unix(seconds, 0), time.Duration(tolerance)*time.Second
	if away := now.Sub(at); away > most || away < -most {
		return expires, fmt.Errorf("%w: at most %d s are allowed", ErrStale, tolerance)
	}
	return at.Add(most + time.Second), nil
}

// ErrBadKey says that a secret cannot be a key for the guard's scheme.
var ErrBadKey = errors.New("the secret is no key of Standard Webhooks: it must be base64, behind whsec_")

// CheckKey returns ErrBadKey when a secret with the given value cannot serve the
// guard, whatever is sent. The value is not in the error.
func CheckKey(g store.Guard, value string) error {
	_, err := signingKey(g, value)
	return err
}

// signingKey returns the bytes that a guard's secret stands for, or ErrBadKey.
func signingKey(g store.Guard, value string) ([]byte, error) {
	if g.Kind != store.GuardHMAC || g.Scheme != store.SchemeStandard {
		return []byte(value), nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "whsec_"))
	if err != nil || len(raw) == 0 {
		return nil, ErrBadKey
	}
	return raw, nil
}

// CheckSignature reports whether s signs body with the guard's key: nil,
// ErrWrongSignature, or ErrBadKey. id names the request, the same for each replay.
func CheckSignature(g store.Guard, s Signature, key string, body []byte) (id [16]byte, err error) {
	raw, err := signingKey(g, key)
	if err != nil {
		return id, err
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(s.before))
	mac.Write(body)
	want := mac.Sum(nil)
	matches := 0
	for _, given := range s.given {
		matches |= subtle.ConstantTimeCompare(given, want)
	}
	if matches != 1 {
		return id, ErrWrongSignature
	}
	copy(id[:], want)
	return id, nil
}
