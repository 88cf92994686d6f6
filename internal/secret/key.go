// Package secret seals the apps' secrets before the store sees them, and opens
// them again.
//
// Each secret has a data key of its own (AES-256-GCM, random nonce), which is
// sealed under the instance's key. Both name, as associated data, the app and the
// secret they belong to: a row that is copied to another place does not open
// there. The instance's key is never in the database (see Source). It can be
// changed at any time (Vault.Rotate): that seals the data keys anew, in one
// transaction.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// keyLength is that of AES-256, in bytes.
const keyLength = 32

// keyPrefix begins the text of a key. The rest is base64url of the key and its
// CRC-32, by which a key that was cut or mistyped is noticed.
const keyPrefix = "psk1_"

// Key is a key of the instance. It has no printed form but Text.
type Key struct {
	raw  [keyLength]byte
	id   string
	aead cipher.AEAD
}

// NewKey returns a random key.
func NewKey() *Key {
	var raw [keyLength]byte
	_, _ = rand.Read(raw[:]) // never fails
	return newKey(raw)
}

func newKey(raw [keyLength]byte) *Key {
	mac := hmac.New(sha256.New, raw[:])
	mac.Write([]byte("picloud secrets key id"))
	return &Key{raw: raw, id: hex.EncodeToString(mac.Sum(nil)[:8]), aead: newAEAD(raw[:])}
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size
	}
	return aead
}

// ID names the key and tells nothing of it: 16 hexadecimal digits.
func (k *Key) ID() string { return k.id }

// String returns the ID, so that no log can show the key.
func (k *Key) String() string { return "secrets key " + k.id }

// GoString is String: also for %#v.
func (k *Key) GoString() string { return k.String() }

// Text is the key as it is kept and handed on.
func (k *Key) Text() string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(k.raw[:]))
	return keyPrefix + base64.RawURLEncoding.EncodeToString(append(k.raw[:], sum...))
}

// ParseKey reads the text of a key. The text is not in the error.
func ParseKey(text string) (*Key, error) {
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %s, as the keys do that `picloud secrets generate-key` prints", keyPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) != keyLength+4 {
		return nil, errors.New("it is not whole: a key has 53 characters")
	}
	var raw [keyLength]byte
	copy(raw[:], b)
	if crc32.ChecksumIEEE(raw[:]) != binary.BigEndian.Uint32(b[keyLength:]) {
		return nil, errors.New("it is mistyped: its checksum is wrong")
	}
	return newKey(raw), nil
}

// Keys are the keys at hand. The first seals, all of them open.
type Keys []*Key

// ParseKeys reads one or more keys between white space or commas. Lines that
// begin with # are comments.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) }) {
			k, err := ParseKey(word)
			if err != nil {
				return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
			}
			if keys.find(k.id) == nil {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

// find returns the key with the ID, nil if it is not there.
func (keys Keys) find(id string) *Key {
	for _, k := range keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// IDs returns the keys' IDs.
func (keys Keys) IDs() []string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.id
	}
	return ids
}
