package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of argon2id.
type Params struct {
	Passes    uint32
	MemoryKiB uint32
	Threads   uint8
}

// DefaultParams is the OWASP minimum for argon2id: two passes over 19 MiB.
var DefaultParams = Params{Passes: 2, MemoryKiB: 19 * 1024, Threads: 1}

const (
	saltBytes = 16
	keyBytes  = 32

	// MinPassword and MaxPassword bound a password, in bytes.
	MinPassword = 8
	MaxPassword = 1024

	// maxWaiting bounds those who wait for their turn to hash. A Pi needs about
	// a fifth of a second for each.
	maxWaiting = 16
)

// ErrBusy says that too many passwords wait to be checked already.
var ErrBusy = errors.New("too many sign-ins at once: try again in a few seconds")

// Hasher makes and checks argon2id hashes, one at a time: each needs
// Params.MemoryKiB, and a small machine must not be driven out of memory by
// sign-ins. The memory goes back to the system when nobody waits any more.
type Hasher struct {
	params  Params
	turn    chan struct{}
	waiting atomic.Int32
}

// NewHasher returns a Hasher that makes new hashes with p. Hashes made with
// other costs are still checked, with theirs.
func NewHasher(p Params) *Hasher {
	return &Hasher{params: p, turn: make(chan struct{}, 1)}
}

// Hash returns the PHC string of a new hash of password.
// It fails with ErrBusy or the context's error.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) //nolint:errcheck // never fails: crypto/rand crashes the program instead
	key, err := h.key(ctx, password, salt, h.params, keyBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.MemoryKiB, h.params.Passes, h.params.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Verify reports whether password is the one that phc was made of. An empty
// phc belongs to nobody: it costs as much as any other and is never right, so
// that an unknown user takes as long as a known one.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (bool, error) {
	if phc == "" {
		_, err := h.key(ctx, password, make([]byte, saltBytes), h.params, keyBytes)
		return false, err
	}
	p, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	got, err := h.key(ctx, password, salt, p, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func (h *Hasher) key(ctx context.Context, password string, salt []byte, p Params, n uint32) ([]byte, error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return nil, ErrBusy
	}
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		h.waiting.Add(-1)
		return nil, ctx.Err()
	}
	defer func() { <-h.turn }()
	key := argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, p.Threads, n)
	if h.waiting.Add(-1) == 0 && p.MemoryKiB >= 1024 {
		// Two hashes leave 42 MB resident otherwise, until the collector feels like it.
		debug.FreeOSMemory()
	}
	return key, nil
}

// parsePHC takes a hash apart. It refuses costs far above ours, because the
// string decides how much memory the check takes.
func parsePHC(phc string) (p Params, salt, key []byte, err error) {
	bad := errors.New("not an argon2id hash")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, bad
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Threads); err != nil {
		return p, nil, nil, bad
	}
	if p.Passes < 1 || p.Passes > 16 || p.MemoryKiB > 128*1024 || p.Threads < 1 {
		return p, nil, nil, bad
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, bad
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, bad
	}
	return p, salt, key, nil
}

// CheckPassword says what is wrong with a password that somebody chooses.
func CheckPassword(username, password string) error {
	switch {
	case len(password) < MinPassword:
		return fmt.Errorf("a password needs at least %d characters", MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("a password may have at most %d bytes", MaxPassword)
	case !utf8.ValidString(password):
		return errors.New("a password must be valid UTF-8")
	case strings.EqualFold(username, password):
		return errors.New("a password must differ from the username")
	}
	return nil
}

// CheckUsername returns the stored form of a username (lower case), or what is
// wrong with it.
func CheckUsername(username string) (string, error) {
	name := strings.ToLower(username)
	if name == "" || len(name) > 63 {
		return "", errors.New("a username has 1 to 63 characters")
	}
	for i, r := range []byte(name) {
		alnum := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !alnum && (i == 0 || i == len(name)-1 || !strings.ContainsRune("._-@+", rune(r))) {
			return "", errors.New(`a username consists of letters a-z, digits, and inside ".", "_", "-", "@" or "+"`)
		}
	}
	return name, nil
}
