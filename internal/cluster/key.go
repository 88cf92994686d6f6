// Package cluster is what the processes of a cluster need of one another: the key
// by which they know each other, the list of those that live, and the way of a
// request from an orchestrator to the manager.
package cluster

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
)

// keyPrefix begins the text of a key. The rest is base64url of the key and its
// CRC-32, by which a key that was cut or mistyped is noticed.
const (
	keyPrefix = "pck1_"
	keyLength = 32
	// maxKeyFile bounds the file with the keys, in bytes.
	maxKeyFile = 64 << 10
)

// Key is what the processes of a cluster share. It has no printed form but Text.
type Key struct{ raw [keyLength]byte }

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k.raw[:]) // never fails
	return k
}

// String names nothing, so that no log can show the key.
func (Key) String() string { return "cluster key" }

// GoString is String: also for %#v.
func (Key) GoString() string { return "cluster key" }

// Text is the key as it is kept and handed on.
func (k Key) Text() string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(k.raw[:]))
	return keyPrefix + base64.RawURLEncoding.EncodeToString(append(k.raw[:], sum...))
}

// parseKey reads the text of a key. The text is not in the error.
func parseKey(text string) (k Key, err error) {
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return k, fmt.Errorf("it does not begin with %s, as the keys do that `picloud-manager generate-key` prints", keyPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) != keyLength+4 {
		return k, errors.New("it is not whole: a key has 53 characters")
	}
	if crc32.ChecksumIEEE(b[:keyLength]) != binary.BigEndian.Uint32(b[keyLength:]) {
		return k, errors.New("it is mistyped: its checksum is wrong")
	}
	copy(k.raw[:], b)
	return k, nil
}

// Keys are the keys at hand. A process shows that it has the first, and believes
// others that have any of them: so a key can be changed node by node.
type Keys []Key

// ParseKeys reads one or more keys between white space. Lines that begin with #
// are comments.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			k, err := parseKey(word)
			if err != nil {
				return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
			}
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

// ReadKeys reads the keys in a file.
func ReadKeys(file string) (Keys, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the cluster key: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("the cluster key in %s: %w", file, err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("the cluster key in %s: %w", file, err)
	}
	return keys, nil
}

// derive returns a secret for one purpose.
func (k Key) derive(purpose string, length int) []byte {
	b, err := hkdf.Key(sha256.New, k.raw[:], nil, purpose, length)
	if err != nil {
		panic(err) // the length is a constant that SHA-256 allows
	}
	return b
}
