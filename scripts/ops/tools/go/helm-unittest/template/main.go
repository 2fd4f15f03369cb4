// What `helm template` does, by Helm's own engine, without the rest of Helm: it is built in seconds where helm-unittest was built before, Helm itself in minutes.
//
//	helm-template template NAME CHART [--namespace N] [--values FILE]... [--set K=V]... [--api-versions V]... [--kube-version V]
//
// The manifests are in the order of their files. That they are those of Helm is a test of its own.
package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"
)

type settings struct {
	namespace, kubeVersion    string
	values, sets, apiVersions []string
}

func main() {
	var given settings
	command := &cobra.Command{
		Use:           "template NAME CHART",
		Args:          cobra.ExactArgs(2),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, args []string) error {
			return render(command.OutOrStdout(), args[0], args[1], given)
		},
	}
	command.Flags().StringVarP(&given.namespace, "namespace", "n", "default", "of the release")
	command.Flags().StringVar(&given.kubeVersion, "kube-version", "", "of the cluster")
	command.Flags().StringArrayVarP(&given.values, "values", "f", nil, "a file; the last one wins")
	command.Flags().StringArrayVar(&given.sets, "set", nil, "key=value; wins over files")
	command.Flags().StringArrayVarP(&given.apiVersions, "api-versions", "a", nil, "that the cluster has beside Kubernetes' own")
	root := &cobra.Command{Use: "helm-template"}
	root.AddCommand(command)
	root.SetOut(os.Stdout)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func render(out io.Writer, name, folder string, given settings) error {
	chart, err := loader.Load(folder)
	if err != nil {
		return err
	}
	values, err := given.mergedValues()
	if err != nil {
		return err
	}
	if err := chartutil.ProcessDependenciesWithMerge(chart, values); err != nil {
		return err
	}
	capabilities, err := given.capabilities()
	if err != nil {
		return err
	}
	if constraint := chart.Metadata.KubeVersion; constraint != "" && !chartutil.IsCompatibleRange(constraint, capabilities.KubeVersion.String()) {
		return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", constraint, capabilities.KubeVersion.String())
	}
	release := chartutil.ReleaseOptions{Name: name, Namespace: given.namespace, Revision: 1, IsInstall: true}
	// Judges the values by the chart's schema, too.
	all, err := chartutil.ToRenderValues(chart, values, release, capabilities)
	if err != nil {
		return err
	}
	rendered, err := engine.Render(chart, all)
	if err != nil {
		return err
	}
	for _, file := range manifestFiles(rendered) {
		fmt.Fprintf(out, "---\n# Source: %s\n%s\n", file, strings.TrimPrefix(strings.TrimSpace(rendered[file]), "---\n"))
	}
	return nil
}

func manifestFiles(rendered map[string]string) []string {
	var files []string
	for file, text := range rendered {
		isManifest := !strings.HasPrefix(path.Base(file), "_") && path.Base(file) != "NOTES.txt"
		if isManifest && strings.TrimSpace(text) != "" {
			files = append(files, file)
		}
	}
	sort.Strings(files)
	return files
}

func (given settings) mergedValues() (map[string]any, error) {
	merged := map[string]any{}
	for _, file := range given.values {
		values, err := chartutil.ReadValuesFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		merged = chartutil.MergeTables(values, merged)
	}
	for _, set := range given.sets {
		if err := strvals.ParseInto(set, merged); err != nil {
			return nil, fmt.Errorf("--set %s: %w", set, err)
		}
	}
	return merged, nil
}

func (given settings) capabilities() (*chartutil.Capabilities, error) {
	capabilities := chartutil.DefaultCapabilities.Copy()
	if given.kubeVersion != "" {
		version, err := chartutil.ParseKubeVersion(given.kubeVersion)
		if err != nil {
			return nil, err
		}
		capabilities.KubeVersion = *version
	}
	capabilities.APIVersions = append(capabilities.APIVersions, given.apiVersions...)
	return capabilities, nil
}
