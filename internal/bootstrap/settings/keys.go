package settings

import (
	"os"
	"path/filepath"

	"github.com/picloud/picloud/internal/secret"
)

// The names of the file with the key to the secrets in the data directory, and of
// systemd's credentials.
const (
	SecretsKeyFile       = "secrets.key"
	SecretsKeyCredential = "picloud-secrets-key"
)

// SecretsSource says where the key to the secrets comes from. dir is the data
// directory.
func (c *Config) SecretsSource(dir string) secret.Source {
	if c.SecretsKey != "" {
		return secret.Source{Name: "PICLOUD_SECRETS_KEY", Text: c.SecretsKey}
	}
	if c.SecretsKeyFile != "" {
		return secret.Source{Name: c.SecretsKeyFile, File: c.SecretsKeyFile}
	}
	if file := c.credential(SecretsKeyCredential); file != "" {
		return secret.Source{Name: file, File: file}
	}
	file := filepath.Join(dir, SecretsKeyFile)
	return secret.Source{Name: file, File: file, Own: true}
}

// credential returns the path of a credential that systemd hands in; empty: it
// does not.
func (c *Config) credential(name string) string {
	if c.Credentials == "" {
		return ""
	}
	file := filepath.Join(c.Credentials, name)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}
