package settings

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/secret"
)

// The names of the file with the key to the secrets in the data directory, and of
// systemd's credentials.
const (
	SecretsKeyFile       = "secrets.key"
	SecretsKeyCredential = "picloud-secrets-key"
	clusterKeyCredential = "picloud-cluster-key"
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

// errNoClusterKey says what to do where no key was handed in.
var errNoClusterKey = errors.New("there is no cluster key: make one with `picloud-manager generate-key`, and give every program of the cluster a file with it (--cluster-key-file, PICLOUD_CLUSTER_KEY_FILE, or systemd's credential " + clusterKeyCredential + ")")

// ClusterKeys returns the keys by which the programs of a cluster know one another.
func (c *Config) ClusterKeys() (cluster.Keys, error) {
	switch {
	case c.clusterKeys != nil:
		return c.clusterKeys, nil
	case c.ClusterKeyFile != "":
		return cluster.ReadKeys(c.ClusterKeyFile)
	}
	if file := c.credential(clusterKeyCredential); file != "" {
		return cluster.ReadKeys(file)
	}
	return nil, errNoClusterKey
}

// ClusterSecretsSource is SecretsSource for a program of a cluster. There the key is
// the same on every node, so none is made.
func (c *Config) ClusterSecretsSource(dir string) (secret.Source, error) {
	s := c.SecretsSource(dir)
	if s.Own {
		s.Own = false
		if _, err := os.Stat(s.File); err != nil {
			return s, fmt.Errorf("there is no key to the secrets: make one with `picloud secrets generate-key`, and give every manager and orchestrator a file with it (--secrets-key-file, PICLOUD_SECRETS_KEY_FILE, or systemd's credential %s)", SecretsKeyCredential)
		}
	}
	return s, nil
}

// Socket is the path at which the executor and the orchestrator of a node meet.
func (c *Config) Socket() string {
	if c.ExecutorSocket != "" {
		return c.ExecutorSocket
	}
	return filepath.Join(c.DataDir, "executor.sock")
}

// Advertised returns where other nodes reach a listener: address, or else where it
// listens. name is of the setting that says so.
func Advertised(address string, l net.Addr, name string) (string, error) {
	if address != "" {
		return address, nil
	}
	if tcp, ok := l.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "", fmt.Errorf("it listens on all addresses: say at which of them other nodes reach it, with %s=HOST:PORT", name)
	}
	return l.String(), nil
}
