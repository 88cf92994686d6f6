package client

import (
	"context"
	"net/http"
)

// ListSecrets returns an app's secrets by name, without their values.
func (c *Client) ListSecrets(ctx context.Context, app string, p Page) (ListSecret, error) {
	return call[ListSecret](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSecrets(ctx, app, &ListSecretsParams{Limit: p.limit(), After: p.after()})
	})
}

// SetSecret sets a secret of an app, and reports whether it is new.
func (c *Client) SetSecret(ctx context.Context, app, name, value string) (s Secret, created bool, err error) {
	status, err := callStatus(ctx, &s, func(ctx context.Context) (*http.Response, error) {
		return c.api.SetSecret(ctx, app, name, SetSecret{Value: value})
	})
	return s, status == http.StatusCreated, err
}

// ImportSecrets sets secrets of an app by name, all of them or none.
func (c *Client) ImportSecrets(ctx context.Context, app string, values map[string]string) (ImportedSecrets, error) {
	return call[ImportedSecrets](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ImportSecrets(ctx, app, ImportSecrets{Values: values})
	})
}

// DeleteSecret deletes a secret of an app.
func (c *Client) DeleteSecret(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteSecret(ctx, app, name) })
	return err
}

// ListVariables returns an app's variables by name.
func (c *Client) ListVariables(ctx context.Context, app string, p Page) (ListVariable, error) {
	return call[ListVariable](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListVariables(ctx, app, &ListVariablesParams{Limit: p.limit(), After: p.after()})
	})
}

// Variable returns a variable of an app.
func (c *Client) Variable(ctx context.Context, app, name string) (Variable, error) {
	return call[Variable](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetVariable(ctx, app, name) })
}

// SetVariable sets a variable of an app.
func (c *Client) SetVariable(ctx context.Context, app, name, value string) (Variable, error) {
	return call[Variable](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.SetVariable(ctx, app, name, SetVariable{Value: value})
	})
}

// ImportVariables sets variables of an app by name, in one deployment.
func (c *Client) ImportVariables(ctx context.Context, app string, values map[string]string) (ImportedVariables, error) {
	return call[ImportedVariables](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ImportVariables(ctx, app, ImportVariables{Values: values})
	})
}

// DeleteVariable deletes a variable of an app.
func (c *Client) DeleteVariable(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteVariable(ctx, app, name) })
	return err
}
