package dev.kwal.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Lays the help of every command out like a page of the manual, and gives each the option to show it. */
final class ManualPage {
    private static final int WIDTH = 100;

    private ManualPage() {}

    static void layOut(CommandLine line) {
        var spec = line.getCommandSpec();
        spec.addOption(OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .description("Shows this page.")
                .build());
        if (spec.parent() == null) {
            spec.addOption(OptionSpec.builder("-V", "--version")
                    .versionHelp(true)
                    .description("Shows the version of this program.")
                    .build());
            spec.version("kwal " + version());
        }
        var page = spec.usageMessage();
        page.width(WIDTH);
        page.headerHeading("NAME%n");
        page.synopsisHeading("%nSYNOPSIS%n  ");
        page.descriptionHeading("%nDESCRIPTION%n");
        page.commandListHeading("%nCOMMANDS%n");
        page.parameterListHeading("%nARGUMENTS%n");
        page.optionListHeading("%nOPTIONS%n");
        page.exitCodeListHeading("%nEXIT STATUS%n");
        page.footerHeading("%nEXAMPLES%n");
        page.exitCodeList(exitCodes());
        page.sectionMap().put(UsageMessageSpec.SECTION_KEY_HEADER, ManualPage::header);
        page.sectionMap().put(UsageMessageSpec.SECTION_KEY_DESCRIPTION, ManualPage::description);
        line.getSubcommands().values().forEach(ManualPage::layOut);
    }

    private static String header(Help help) {
        var spec = help.commandSpec();
        return "  " + spec.qualifiedName("-") + " - " + spec.usageMessage().header()[0] + System.lineSeparator();
    }

    /** Indented, as the other sections are. */
    private static String description(Help help) {
        var page = help.commandSpec().usageMessage();
        var text = new StringBuilder();
        for (var paragraph : page.description()) {
            var table =
                    Help.TextTable.forColumns(help.colorScheme(), new Help.Column(WIDTH, 2, Help.Column.Overflow.WRAP));
            table.indentWrappedLines = 0;
            table.addRowValues(paragraph);
            text.append(text.length() == 0 ? "" : System.lineSeparator()).append(table);
        }
        return text.toString();
    }

    private static Map<String, String> exitCodes() {
        var codes = new LinkedHashMap<String, String>();
        codes.put(" " + ExitCode.INTACT, "All is well: the log is intact.");
        codes.put(" " + ExitCode.DAMAGED, "Data that must be there is damaged or missing.");
        codes.put(" " + ExitCode.USAGE, "The command line makes no sense, or does not fit this log.");
        codes.put(
                " " + ExitCode.IO,
                "Reading or writing failed, a file or directory is missing or in the way, or records were dropped while"
                        + " they were read.");
        codes.put(" " + ExitCode.REFUSED, "Not a log, or one that this version cannot read.");
        codes.put(" " + ExitCode.BUG, "A mistake in this program, or too little memory for it.");
        codes.put(" " + ExitCode.OUTPUT_CLOSED, "Nobody reads the output any more, as in 'kwal dump ... | head'.");
        return codes;
    }

    private static String version() {
        var version = ManualPage.class.getPackage().getImplementationVersion();
        return version == null ? "of a development build" : version;
    }
}
