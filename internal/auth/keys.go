package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strings"

	"github.com/picloud/picloud/internal/store"
)

// An API key's token is pic_ID_SECRET: 64 random bits that name the key, in
// hexadecimal, then 256 secret bits and the CRC-32 of all before it, in base32.
// The checksum lets a scanner tell a leaked key from a text that looks like one.
const (
	keyPrefix  = "pic_"
	keyIDLen   = 16
	secretLen  = 52
	sumLen     = 7
	keyTextLen = len(keyPrefix) + keyIDLen + 1 + secretLen + sumLen
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrNoKey says that an API key is unknown, has expired or was ended.
var ErrNoKey = errors.New("the API key is unknown, has expired or was ended")

// NewKey returns the ID and the token of a new API key, and the SHA-256 that is
// kept of the token.
func NewKey() (id, token string, hash [32]byte) {
	var random [8 + 32]byte
	rand.Read(random[:]) //nolint:errcheck // never fails: crypto/rand crashes the program instead
	id = hex.EncodeToString(random[:8])
	token = keyPrefix + id + "_" + base32Lower.EncodeToString(random[8:])
	token += checksum(token)
	return id, token, sha256.Sum256([]byte(token))
}

func checksum(text string) string {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(text)))
	return base32Lower.EncodeToString(sum[:])
}

// keyID returns the ID in an API key's token; false if it is none, or is mistyped.
func keyID(token string) (string, bool) {
	if len(token) != keyTextLen || !strings.HasPrefix(token, keyPrefix) {
		return "", false
	}
	body, sum := token[:keyTextLen-sumLen], token[keyTextLen-sumLen:]
	id := token[len(keyPrefix) : len(keyPrefix)+keyIDLen]
	return id, sum == checksum(body) && token[len(keyPrefix)+keyIDLen] == '_'
}

// byKey returns whose API key a token is, or ErrNoKey.
func (a *Authenticator) byKey(ctx context.Context, token string) (Identity, error) {
	id, ok := keyID(token)
	if !ok {
		return Identity{}, ErrNoKey
	}
	now := a.now()
	key, owner, err := a.people.APIKeyByID(ctx, id, now)
	if errors.Is(err, store.ErrNotFound) {
		return Identity{}, ErrNoKey
	}
	if err != nil {
		return Identity{}, err
	}
	hash := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(hash[:], key.TokenHash[:]) != 1 {
		return Identity{}, ErrNoKey
	}
	if now.Sub(key.LastUsedAt) >= touchEvery {
		key.LastUsedAt = now
		if err := a.people.TouchAPIKey(ctx, key.ID, now); err != nil && !errors.Is(err, store.ErrNotFound) {
			return Identity{}, err
		}
	}
	return Identity{User: owner, Key: &key}, nil
}

// May reports whether somebody who is inApp in the app with ID app may do a
// with it. app is empty when the action is not about an app. A key never may
// what its owner may not.
func (id Identity) May(app string, inApp store.AppRole, a Action) bool {
	return May(id.User.Role, inApp, a) && id.keyMay(app, a)
}

// MayIn reports whether a's permission is one that depends on the app, and a
// key's scopes do not already forbid it: the app has yet to be looked at.
func (id Identity) MayIn(a Action) bool {
	p, ok := PermissionFor(a)
	return ok && p.App != "" && (id.Key == nil || Allows(id.Key.Scopes, a))
}

// KeyForbids says why the API key does not let its owner do a with the app: what
// it lacks, as the reason that follows a colon. It is empty when the key allows it, or
// there is none.
func (id Identity) KeyForbids(app string, a Action) string {
	p, _ := PermissionFor(a)
	switch {
	case id.keyMay(app, a):
		return ""
	case Allows(id.Key.Scopes, a):
		return "it is limited to the app " + id.Key.AppSlug
	case p.Scope == "":
		return "no API key may (" + string(a) + "): sign in"
	}
	return "it needs the scope " + string(p.Scope) + " for " + string(a)
}

func (id Identity) keyMay(app string, a Action) bool {
	if id.Key == nil {
		return true
	}
	if !Allows(id.Key.Scopes, a) {
		return false
	}
	// One that is for one app may what every key may and, in lists, see that app.
	p, _ := PermissionFor(a)
	return id.Key.AppID == "" || id.Key.AppID == app || p.Scope == AnyScope || a == ListApps
}
