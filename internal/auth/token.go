package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// sessionPrefix lets people and secret scanners recognise a leaked token.
const sessionPrefix = "pics_"

// setupPrefix marks the token of the set-up link.
const setupPrefix = "picsetup_"

// newToken returns a token of 256 random bits and the SHA-256 that is kept of
// it. With that much randomness a slow hash would add nothing.
func newToken(prefix string) (token string, hash [32]byte) {
	var secret [32]byte
	rand.Read(secret[:]) //nolint:errcheck // never fails: crypto/rand crashes the program instead
	token = prefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, sha256.Sum256([]byte(token))
}

// sessionHash returns what is kept of a session's token, and whether token
// looks like one at all.
func sessionHash(token string) ([32]byte, bool) {
	if !strings.HasPrefix(token, sessionPrefix) || len(token) != len(sessionPrefix)+43 {
		return [32]byte{}, false
	}
	return sha256.Sum256([]byte(token)), true
}
