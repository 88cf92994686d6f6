package client

//go:generate go run ../internal/manager/openapi ../api/openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../api/openapi.yaml
