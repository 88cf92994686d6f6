package secret

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/picloud/picloud/internal/store"
)

// format begins each sealed value and each sealed data key.
const format = 1

// errDamaged says that something does not open, without saying what it holds.
var errDamaged = errors.New("it does not open: it was changed, or belongs to another app, secret or key")

// place is what sealed bytes are bound to.
func place(what, keyID, appID, name string) []byte {
	return []byte("picloud secret " + what + "\x00" + keyID + "\x00" + appID + "\x00" + name)
}

// seal seals a value for its place.
func (k *Key) seal(appID, name, value string) store.SealedSecret {
	var dataKey [keyLength]byte
	_, _ = rand.Read(dataKey[:]) // never fails
	return store.SealedSecret{
		AppID: appID, Name: name, KeyID: k.id,
		DataKey: k.wrap(appID, name, dataKey[:]),
		Value:   newAEAD(dataKey[:]).Seal([]byte{format}, nil, []byte(value), place("value", "", appID, name)),
	}
}

func (k *Key) wrap(appID, name string, dataKey []byte) []byte {
	return k.aead.Seal([]byte{format}, nil, dataKey, place("key", k.id, appID, name))
}

// unwrap opens the data key of s.
func (k *Key) unwrap(s store.SealedSecret) ([]byte, error) {
	if len(s.DataKey) == 0 || s.DataKey[0] != format {
		return nil, errDamaged
	}
	dataKey, err := k.aead.Open(nil, nil, s.DataKey[1:], place("key", k.id, s.AppID, s.Name))
	if err != nil || len(dataKey) != keyLength {
		return nil, errDamaged
	}
	return dataKey, nil
}

// open returns the value of s.
func (k *Key) open(s store.SealedSecret) (string, error) {
	dataKey, err := k.unwrap(s)
	if err != nil {
		return "", err
	}
	if len(s.Value) == 0 || s.Value[0] != format {
		return "", errDamaged
	}
	value, err := newAEAD(dataKey).Open(nil, nil, s.Value[1:], place("value", "", s.AppID, s.Name))
	if err != nil {
		return "", errDamaged
	}
	return string(value), nil
}

// rewrap returns the data key of s sealed under k instead of one of keys.
func (k *Key) rewrap(keys Keys, s store.SealedSecret) ([]byte, error) {
	old := keys.find(s.KeyID)
	if old == nil {
		return nil, fmt.Errorf("the secret %s: %w", s.Name, &NoKeyError{ID: s.KeyID})
	}
	dataKey, err := old.unwrap(s)
	if err != nil {
		return nil, fmt.Errorf("the secret %s of the app %s: %w", s.Name, s.AppID, err)
	}
	return k.wrap(s.AppID, s.Name, dataKey), nil
}

// NoKeyError says that secrets are under a key that is not at hand.
type NoKeyError struct{ ID string }

func (e *NoKeyError) Error() string {
	return fmt.Sprintf("it is sealed under the secrets key %s, which this PiCloud does not have", e.ID)
}
