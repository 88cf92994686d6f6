package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Vault sets and reads secrets. It is safe for concurrent use. It keeps no
// secret: each is read from the store and opened when somebody asks, so that a
// new value counts at once.
type Vault struct {
	store  store.Secrets
	source Source

	mu     sync.Mutex
	keys   Keys   // replaced as a whole
	active string // ID of the key that the store's secrets are under, as far as known
}

// Open returns the vault on a store with the keys of a source. A key file of our
// own is made if there is none and nothing is sealed yet. Without every key that
// the store's secrets need it fails: a *LostKeyError.
func Open(ctx context.Context, s store.Secrets, source Source) (*Vault, error) {
	needed, err := s.SecretKeys(ctx)
	if err != nil {
		return nil, err
	}
	v := &Vault{store: s, source: source, active: needed.Active}
	v.keys, err = source.load()
	if errors.Is(err, fs.ErrNotExist) && source.Own {
		if ids := needed.IDs(); len(ids) > 0 {
			return nil, &LostKeyError{Missing: ids, Where: source.Name, NoFile: true}
		}
		v.keys, err = source.create()
	}
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, id := range needed.IDs() {
		if v.keys.find(id) == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, &LostKeyError{Missing: missing, Where: source.Name}
	}
	return v, nil
}

// LostKeyError says that secrets cannot be opened with the keys at hand.
type LostKeyError struct {
	Missing []string // IDs
	Where   string   // the keys were looked for
	NoFile  bool     // nothing is there
}

func (e *LostKeyError) Error() string {
	found := "which is not in " + e.Where
	if e.NoFile {
		found = "and " + e.Where + " is not there"
	}
	return fmt.Sprintf("the secrets in the database are sealed under the key %s, %s: put the right key back (PICLOUD_SECRETS_KEY, or a copy of the file). "+
		"If it is lost, `picloud secrets discard` removes the secrets that cannot be opened any more", strings.Join(e.Missing, ", "), found)
}

// Set sets secrets of an app, by name, all of them or none. created counts those
// that are new. Names and values must be ones that the store's checks allow.
func (v *Vault) Set(ctx context.Context, appID string, values map[string]string, by string, at time.Time) (created int, err error) {
	names := make([]string, 0, len(values))
	for name, value := range values {
		if err := errors.Join(store.CheckSettingName(name), store.CheckSecret(value)); err != nil {
			return 0, fmt.Errorf("%w: %w", store.ErrInvalid, err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for attempt := 1; ; attempt++ {
		key, err := v.sealing()
		if err != nil {
			return 0, err
		}
		sealed := make([]store.SealedSecret, len(names))
		for i, name := range names {
			sealed[i] = key.seal(appID, name, values[name])
		}
		created, err = v.store.PutSecrets(ctx, appID, sealed, by, at)
		if !errors.Is(err, store.ErrKeyChanged) || attempt == 3 {
			return created, err
		}
		// Somebody has rotated the key, or was the first to seal anything.
		needed, err := v.store.SecretKeys(ctx)
		if err != nil {
			return 0, err
		}
		v.mu.Lock()
		v.active = needed.Active
		v.mu.Unlock()
	}
}

// sealing returns the key under which secrets are sealed now.
func (v *Vault) sealing() (*Key, error) {
	v.mu.Lock()
	keys, active := v.keys, v.active
	v.mu.Unlock()
	if active == "" {
		return keys[0], nil
	}
	return v.key(active)
}

// key returns the key with the ID; one that is not at hand may have come into
// the source meanwhile.
func (v *Vault) key(id string) (*Key, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.keys.find(id); k != nil {
		return k, nil
	}
	keys, err := v.source.load()
	if err != nil {
		return nil, errors.Join(&NoKeyError{ID: id}, err)
	}
	if k := keys.find(id); k != nil {
		v.keys = keys
		return k, nil
	}
	return nil, &NoKeyError{ID: id}
}

// Secret returns the value of an app's secret; store.ErrNotFound if there is none.
func (v *Vault) Secret(ctx context.Context, appID, name string) (string, error) {
	sealed, err := v.store.SealedSecret(ctx, appID, name)
	if err != nil {
		return "", err
	}
	key, err := v.key(sealed.KeyID)
	if err != nil {
		return "", fmt.Errorf("the secret %s: %w", name, err)
	}
	value, err := key.open(sealed)
	if err != nil {
		return "", fmt.Errorf("the secret %s: %w", name, err)
	}
	return value, nil
}
