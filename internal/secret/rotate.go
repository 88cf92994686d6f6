package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/picloud/picloud/internal/store"
)

// Rotation is what Rotate did.
type Rotation struct {
	Key     string   `json:"key"`           // ID of the key that is in use now
	Secrets int      `json:"secrets"`       // how many secrets there are
	Old     []string `json:"old,omitempty"` // IDs of keys that are only needed for older backups
	Dropped bool     `json:"dropped"`       // the old ones are gone from the file
}

// Rotate puts a new key in the place of the one in use and seals all secrets under
// it. With drop the keys of before are removed from the key file; otherwise they
// stay, for backups from before.
//
// It can be interrupted at any moment: the new key is on disk before the first
// secret is sealed under it, all secrets change in one transaction, and old keys
// go only after that. Doing it again then ends what was begun.
func (v *Vault) Rotate(ctx context.Context, drop bool) (Rotation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	keys, err := v.source.load()
	if err != nil {
		return Rotation{}, err
	}
	needed, err := v.store.SecretKeys(ctx)
	if err != nil {
		return Rotation{}, err
	}
	switch {
	case needed.Active != "" && keys[0].id != needed.Active:
		// The first key is one that is not in use: a rotation was interrupted, or
		// an operator has put a new one before the old.
	case v.source.Own:
		keys = append(Keys{NewKey()}, keys...)
		if err := v.source.replace(keys); err != nil {
			return Rotation{}, err
		}
	default:
		return Rotation{}, fmt.Errorf("the key comes from %s, which PiCloud does not write: put a new one (`picloud secrets generate-key`) before the old one there, restart PiCloud, and rotate again", v.source.Name)
	}
	next := keys[0]
	n, err := v.store.RewrapSecrets(ctx, next.id, func(s store.SealedSecret) ([]byte, error) { return next.rewrap(keys, s) })
	if err != nil {
		return Rotation{}, err
	}
	v.keys, v.active = keys, next.id
	done := Rotation{Key: next.id, Secrets: n, Old: keys[1:].IDs()}
	if drop && v.source.Own && len(keys) > 1 {
		if err := v.source.replace(keys[:1]); err != nil {
			return done, err
		}
		v.keys, done.Dropped = keys[:1], true
	}
	return done, nil
}

// Discard removes the secrets of a store that cannot be opened with the keys of
// the source, and returns how many they were. It is for who has lost a key.
func Discard(ctx context.Context, s store.Secrets, source Source) (int, error) {
	keys, err := source.load()
	if err != nil && !(source.Own && errors.Is(err, fs.ErrNotExist)) {
		return 0, err
	}
	return s.DropSecrets(ctx, keys.IDs())
}
