package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
)

// RotateSecretsKey puts a new key in the place of the one that the secrets are
// sealed under, beside a running PiCloud, which does it itself, or without one.
func RotateSecretsKey(ctx context.Context, c *settings.Config, drop bool) (done secret.Rotation, err error) {
	dir, err := process.ExistingDataDir(c.DataDir)
	if err != nil {
		return done, err
	}
	done, err = askToRotate(ctx, dir, drop)
	if !errors.Is(err, errNotRunning) {
		return done, err
	}
	s, _, err := openStore(ctx, c, dir, slog.Default())
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	vault, err := secret.Open(ctx, s, c.SecretsSource(dir))
	if err != nil {
		return done, err
	}
	return rotate(ctx, vault, drop)
}

func rotate(ctx context.Context, vault *secret.Vault, drop bool) (secret.Rotation, error) {
	return vault.Rotate(onThisMachine(ctx, "rotateSecretsKey", "secrets"), drop)
}

// onThisMachine returns a context in which changes carry an audit entry for
// somebody who has no name here.
func onThisMachine(ctx context.Context, action, object string) context.Context {
	now := manager.Now()
	return store.WithAudit(ctx, func() store.AuditEntry {
		return store.AuditEntry{ID: store.NewIDAt(now), At: now, Address: "this machine", Action: action, Object: object, Status: 200}
	})
}

// DiscardSecrets removes the secrets that the key at hand does not open. PiCloud
// must not be running.
func DiscardSecrets(ctx context.Context, c *settings.Config) (removed int, err error) {
	dir, err := process.ExistingDataDir(c.DataDir)
	if err != nil {
		return 0, err
	}
	s, _, err := openStore(ctx, c, dir, slog.Default())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return secret.Discard(onThisMachine(ctx, "discardSecrets", "secrets"), s, c.SecretsSource(dir))
}

// rotateRequest and rotateAnswer are what the socket is asked and answers.
type (
	rotateRequest struct {
		Drop bool `json:"drop"`
	}
	rotateAnswer struct {
		secret.Rotation
		Error string `json:"error,omitempty"`
	}
)

// rotateLocally answers at the socket.
func rotateLocally(vault *secret.Vault, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked rotateRequest
		var answer rotateAnswer
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, localMaxBytes)).Decode(&asked)
		if err == nil {
			answer.Rotation, err = rotate(r.Context(), vault, asked.Drop)
		}
		if err != nil {
			answer.Error = err.Error()
			w.WriteHeader(http.StatusUnprocessableEntity)
		} else {
			log.Info("the secrets key was rotated on this machine", "key", answer.Key, "secrets", answer.Secrets)
		}
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func askToRotate(ctx context.Context, dir string, drop bool) (done secret.Rotation, err error) {
	body, err := json.Marshal(rotateRequest{drop})
	if err != nil {
		return done, err
	}
	resp, err := callLocal(ctx, dir, http.MethodPost, "/secrets-key", bytes.NewReader(body))
	if err != nil {
		return done, err
	}
	defer resp.Body.Close()
	var answer rotateAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, localMaxBytes)).Decode(&answer); err != nil {
		return done, fmt.Errorf("the running picloud answered %s, not as this version does", resp.Status)
	}
	if answer.Error != "" {
		return done, errors.New(answer.Error)
	}
	return answer.Rotation, nil
}

func secretsCommand(streams *terminal.Streams) *cobra.Command {
	group := &cobra.Command{Use: "secrets", Short: "Manage the key to the secrets on this machine", Args: cobra.NoArgs, RunE: showHelp}
	group.AddCommand(rotateKeyCommand(streams), generateKeyCommand(streams), discardCommand(streams))
	return group
}

func rotateKeyCommand(streams *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate-key",
		Short: "Seal all secrets under a new key",
		Long: `Makes a new key and seals all secrets under it. PiCloud may be running. It can be
interrupted at any moment and done again.

The old key stays in the key file, behind the new one, because older backups need
it. With --drop-old it goes.

A key that comes from the environment or from a file of yours is yours to change:
put a new one (picloud secrets generate-key) before the old one, restart PiCloud,
rotate, and then take the old one away.`,
		Example: "  picloud secrets rotate-key --data /var/lib/picloud",
		Args:    cobra.NoArgs,
	}
	drop := cmd.Flags().Bool("drop-old", false, "remove the keys of before from the key file")
	flags := settings.AddFlags(cmd.Flags(), settings.Picloud, "data", "database", "secrets-key-file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		done, err := RotateSecretsKey(cmd.Context(), c, *drop)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(streams.Out, "The secrets (%d) are sealed under the key %s.\n", done.Secrets, done.Key)
		for _, old := range done.Old {
			state := "opens older backups; --drop-old removes it from the key file"
			if done.Dropped {
				state = "is gone"
			}
			_, err = fmt.Fprintf(streams.Out, "The key %s %s.\n", old, state)
		}
		return err
	}
	return cmd
}

func generateKeyCommand(streams *terminal.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "generate-key",
		Short: "Print a new key to secrets",
		Long: `Prints a new key to secrets, for PICLOUD_SECRETS_KEY, PICLOUD_SECRETS_KEY_FILE or a
systemd credential. Without one of these PiCloud makes a key itself, in the file
secrets.key of its data directory.`,
		Example: "  (umask 077; picloud secrets generate-key > /etc/picloud/secrets.key)",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(streams.Out, secret.NewKey().Text())
			return err
		},
	}
}

func discardCommand(streams *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard",
		Short: "Remove the secrets whose key is lost",
		Long: `Removes the secrets that the key at hand does not open, so that PiCloud starts
again; they have to be set anew. PiCloud must not be running. Secrets that open stay.`,
		Example: "  picloud secrets discard --yes --data /var/lib/picloud",
		Args:    cobra.NoArgs,
	}
	yes := cmd.Flags().Bool("yes", false, "do not ask")
	flags := settings.AddFlags(cmd.Flags(), settings.Picloud, "data", "database", "secrets-key-file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		if !*yes {
			sure, err := streams.Confirm(cmd.Context(), "Remove the secrets that cannot be opened, for good?")
			if errors.Is(err, terminal.ErrNoTerminal) {
				return errors.New("this removes secrets for good: add --yes")
			}
			if err != nil {
				return err
			}
			if !sure {
				return errors.New("nothing was removed")
			}
		}
		n, err := DiscardSecrets(cmd.Context(), c)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(streams.Out, "Removed %d secrets.\n", n)
		return err
	}
	return cmd
}
