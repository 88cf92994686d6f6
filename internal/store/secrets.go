package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// The limits of variables and secrets. Sizes are in bytes.
const (
	MaxSettingName     = 128       // of a variable's or a secret's name
	MaxVariableValue   = 16 << 10  // of one variable
	MaxVariables       = 500       // of an app
	MaxVariablesLength = 128 << 10 // of an app's variables, names and values together
	MaxSecretValue     = 64 << 10  // of one secret
	MaxSecrets         = 250       // of an app
)

// The errors of Secrets beside the general ones. After each nothing has changed.
var (
	// ErrMissingSecret: a deployment needs a secret that its app does not have.
	ErrMissingSecret = errors.New("a required secret is missing")
	// ErrRequired: the active deployment needs what should go.
	ErrRequired = errors.New("still required")
	// ErrKeyChanged: the secrets were sealed under a key that is not the store's.
	ErrKeyChanged = errors.New("the store's secrets are under another key")
)

// CheckSettingName reports, in words for the person who chose it, what is wrong
// with the name of a variable or a secret: letters, digits and underscores, not
// beginning with a digit, 1 to MaxSettingName of them. The name is not in the
// error: it may be a value that was given in its place.
func CheckSettingName(name string) error {
	const allowed = "letters A-Z and a-z, digits and underscores, and no digit comes first"
	switch {
	case name == "":
		return errors.New("the name is empty: allowed are " + allowed)
	case len(name) > MaxSettingName:
		return fmt.Errorf("the name is %d characters long: at most %d are allowed", len(name), MaxSettingName)
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return errors.New("the name contains a character that is not allowed: allowed are " + allowed)
		}
	}
	return nil
}

// CheckVariable reports what is wrong with a variable's value: UTF-8 without NUL,
// of at most MaxVariableValue bytes. The value is not in the error.
func CheckVariable(value string) error { return checkText("variable", value, MaxVariableValue) }

// CheckSecret does the same for a secret's value, which is not empty either.
func CheckSecret(value string) error {
	if value == "" {
		return errors.New("the secret is empty")
	}
	return checkText("secret", value, MaxSecretValue)
}

func checkText(what, value string, longest int) error {
	if len(value) > longest {
		return fmt.Errorf("the %s is %d bytes long: at most %d are allowed", what, len(value), longest)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("the %s is not UTF-8: encode bytes, with base64 for example", what)
	}
	for i := range len(value) {
		if value[i] == 0 {
			return fmt.Errorf("the %s contains U+0000", what)
		}
	}
	return nil
}

// CheckVariables reports what is wrong with all variables of an app together.
func CheckVariables(all map[string]string) error {
	if len(all) > MaxVariables {
		return fmt.Errorf("the app would have %d variables: at most %d are allowed", len(all), MaxVariables)
	}
	size := 0
	for name, value := range all {
		size += len(name) + len(value)
	}
	if size > MaxVariablesLength {
		return fmt.Errorf("the app's variables would take %d bytes: at most %d are allowed", size, MaxVariablesLength)
	}
	return nil
}

// Secret is what may be told of an app's secret.
type Secret struct {
	AppID     string
	Name      string // unique in the app
	CreatedAt time.Time
	UpdatedAt time.Time // when its value was set last
	UpdatedBy string    // user ID
}

// SealedSecret is a secret as the store keeps it: it cannot be read without a key
// that the store does not have.
type SealedSecret struct {
	AppID   string
	Name    string
	KeyID   string // of the key under which DataKey is sealed
	DataKey []byte // sealed
	Value   []byte // sealed under the data key
}

// SecretKeys says under which keys a store's secrets are.
type SecretKeys struct {
	Active  string           // the ID of the key for new ones; empty until there was a secret
	Secrets map[string]int64 // how many there are, by the ID of their key
}

// IDs returns the IDs of all keys that are needed, in their order.
func (k SecretKeys) IDs() []string {
	ids := slices.Collect(maps.Keys(k.Secrets))
	if k.Active != "" && !slices.Contains(ids, k.Active) {
		ids = append(ids, k.Active)
	}
	slices.Sort(ids)
	return ids
}

// Secrets keeps the apps' secrets. What they are sealed with is none of its business.
type Secrets interface {
	// PutSecrets sets secrets of an app, all of them or none. The first secret ever
	// makes its key the active one; after that ErrKeyChanged refuses others.
	// ErrQuota when the app would have more than MaxSecrets, ErrNotFound without
	// the app. created counts those that are new.
	PutSecrets(ctx context.Context, appID string, sealed []SealedSecret, by string, at time.Time) (created int, err error)
	SealedSecret(ctx context.Context, appID, name string) (SealedSecret, error)
	Secret(ctx context.Context, appID, name string) (Secret, error)
	// ListSecrets returns an app's secrets by name.
	ListSecrets(ctx context.Context, appID string, p Page) ([]Secret, error)
	// DeleteSecret removes a secret; ErrRequired while the app's active deployment
	// needs it.
	DeleteSecret(ctx context.Context, appID, name string) error
	// SecretKeys says which keys are needed to open all secrets.
	SecretKeys(ctx context.Context) (SecretKeys, error)
	// RewrapSecrets makes a key the active one and puts in place of each sealed
	// data key what rewrap returns for it, all in one transaction. rewrap may be
	// called more than once for a secret. It returns how many secrets there are.
	RewrapSecrets(ctx context.Context, keyID string, rewrap func(SealedSecret) (dataKey []byte, err error)) (int, error)
	// DropSecrets removes the secrets that are not under one of the given keys,
	// required or not, and forgets an active key that is not one of them. It is
	// for who has lost a key.
	DropSecrets(ctx context.Context, keyIDs []string) (removed int, err error)
}
