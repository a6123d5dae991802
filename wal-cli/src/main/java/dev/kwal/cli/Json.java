package dev.kwal.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One JSON object, member after member. */
final class Json {
    private final StringBuilder text = new StringBuilder("{");

    Json put(String name, long number) {
        return raw(name, Long.toString(number));
    }

    Json put(String name, @Nullable String value) {
        return raw(name, value == null ? "null" : quoted(value));
    }

    /** A member whose value is JSON already. */
    Json raw(String name, String json) {
        text.append(text.length() == 1 ? "" : ",")
                .append(quoted(name))
                .append(':')
                .append(json);
        return this;
    }

    @Override
    public String toString() {
        return text + "}";
    }

    private static String quoted(String value) {
        var quoted = new StringBuilder("\"");
        value.chars().forEach(c -> quote((char) c, quoted));
        return quoted.append('"').toString();
    }

    /** Everything that a terminal might obey is escaped, too. */
    static void quote(char c, StringBuilder to) {
        switch (c) {
            case '"' -> to.append("\\\"");
            case '\\' -> to.append("\\\\");
            case '\n' -> to.append("\\n");
            case '\r' -> to.append("\\r");
            case '\t' -> to.append("\\t");
            default -> {
                if (isHarmless(c)) {
                    to.append(c);
                } else {
                    to.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
                }
            }
        }
    }

    /** Whether a terminal shows the character and does nothing else. */
    static boolean isHarmless(char c) {
        int type = Character.getType(c);
        return type != Character.CONTROL
                && type != Character.FORMAT
                && type != Character.LINE_SEPARATOR
                && type != Character.PARAGRAPH_SEPARATOR;
    }
}
