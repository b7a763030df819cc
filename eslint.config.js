import jsdoc from 'eslint-plugin-jsdoc'
import tseslint from 'typescript-eslint'

// Lost promises are this program's likeliest bug, so the type-aware rules about them are errors.
export default tseslint.config(
  { ignores: ['dist/**', '.tap/**', 'node_modules/**', '**/*.js', '**/*.mjs'] },
  ...tseslint.configs.recommended,
  {
    // One program for all sources of Node.js: with a program for each project, lib would be checked three times. The page has what a browser has.
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.lint.json', 'lib/page/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // tap reports a failing subtest itself, so the promise of t.test() need not be awaited.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafePromises: [{ from: 'package', name: 'PromiseWithSubtest', package: '@tapjs/core' }] },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/require-await': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An object is always true, and no rule about types sees what this function gets.
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression > Identifier.arguments[name="Boolean"]',
          message: 'Say what makes an item true: Boolean takes every object for true.',
        },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['lib/**/*.{ts,tsx}'],
    plugins: { jsdoc },
    rules: {
      // An object is always true: a condition that takes the result of a function for a boolean would never be false.
      '@typescript-eslint/strict-boolean-expressions': [
        'error',
        {
          allowString: true,
          allowNumber: true,
          allowNullableBoolean: true,
          allowNullableString: true,
          allowNullableNumber: true,
          allowNullableEnum: true,
          allowAny: true,
        },
      ],
      // An exported thing has a comment. Options of a constructor are described where they are used, constants by their names.
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: { FunctionDeclaration: true, ClassDeclaration: true },
          contexts: [
            'ExportNamedDeclaration > TSInterfaceDeclaration:not([id.name=/Options$/])',
            'ExportNamedDeclaration > TSTypeAliasDeclaration:not([id.name=/Options$/])',
          ],
          checkConstructors: false,
          checkGetters: false,
          enableFixer: false,
        },
      ],
    },
  },
)
