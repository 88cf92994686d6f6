package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of keys and values, in bytes. A value counts in the form in which
// it is stored.
const (
	MaxKVKey   = 512
	MaxKVValue = 1 << 20
	// MaxKVPage is how much one listing returns, keys and values together,
	// unless its first entry alone is larger.
	MaxKVPage = 4 << 20
)

// CheckKVKey reports, in words for the person who chose it, what is wrong with a
// key: 1 to MaxKVKey bytes of UTF-8 without NUL.
func CheckKVKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > MaxKVKey:
		return fmt.Errorf("the key is %d bytes long: at most %d are allowed", len(key), MaxKVKey)
	case !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0:
		return errors.New("the key contains U+0000 or is not UTF-8")
	}
	return nil
}

// KVEntry is one key of an app.
type KVEntry struct {
	Key       string
	Value     []byte // as package value writes it
	Version   int64  // of its last change, from a sequence of the whole store
	ExpiresAt time.Time
}

// KVRead is a key that was read, and its version then; 0 says it was absent.
type KVRead struct {
	Key     string
	Version int64
}

// KVOpKind is a kind of change of a key.
type KVOpKind uint8

// The kinds of change.
const (
	KVSet    KVOpKind = 1 // Value replaces what is there
	KVDelete KVOpKind = 2
	KVAdd    KVOpKind = 3 // Delta is added blindly: never a conflict; an absent key counts as 0
)

// KVOp is a change of a key.
type KVOp struct {
	Kind    KVOpKind
	Key     string
	Value   []byte    // KVSet: as package value writes it
	Delta   int64     // KVAdd: what is there must be an integer and the sum fit
	Expires time.Time // KVSet: when the key goes by itself; zero: never. KVAdd leaves that as it is
}

// KVQuery selects keys in their bytewise order.
type KVQuery struct {
	AppID  string
	Prefix string
	After  string // only keys after this one
	Limit  int    // 1 to 1000
}

// KVUsage is what an app keeps.
type KVUsage struct {
	Keys  int64
	Bytes int64 // of keys and values
}

// KV reads the apps' own data; Commit changes them. A key that has expired is never returned.
type KV interface {
	Commits

	// KVGet returns those of the keys that exist, in no order.
	KVGet(ctx context.Context, appID string, keys []string, at time.Time) ([]KVEntry, error)
	// KVList returns a page of keys with their values. more says that there are
	// further ones: the page was cut by its limit or by MaxKVPage.
	KVList(ctx context.Context, q KVQuery, at time.Time) (entries []KVEntry, more bool, err error)
	// KVUsage returns what an app keeps, what has expired but is still there
	// included.
	KVUsage(ctx context.Context, appID string) (KVUsage, error)
}
